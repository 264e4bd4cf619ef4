//! Lives and permissions by example; the whole way is tried against a provider in `tests/it/oauth.rs`.

use super::*;
use vault::{Key, Store};

fn wall(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_over_by_whichever_clock_says_so_first() {
    let since = Instant::now();
    let life = Life { since, since_wall: wall(0), length: Duration::from_hours(1) };
    let after = |minutes: u64| since + Duration::from_mins(minutes);
    let check = |monotonic: u64, wall_minutes: i64, expected: [bool; 2]| {
        let (now, now_wall) = (after(monotonic), wall(wall_minutes * 60));
        let found = [
            life.is_over(life.ahead(), now, now_wall),
            life.is_over(Duration::ZERO, now, now_wall),
        ];
        assert_eq!(found, expected, "{monotonic} {wall_minutes}");
    };
    check(0, 0, [false, false]);
    check(54, 54, [false, false]);
    check(55, 55, [true, false]);
    check(60, 60, [true, true]);
    // A machine that slept: the monotonic clock stood still.
    check(1, 300, [true, true]);
    // A wall clock that was put back, or forward and back.
    check(54, -600, [false, false]);
    check(60, -600, [true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_short_life_is_renewed_at_its_half() {
    let check = |seconds: u64, expected: u64| {
        let length = Duration::from_secs(seconds);
        let life = Life { since: Instant::now(), since_wall: wall(0), length };
        assert_eq!(life.ahead(), Duration::from_secs(expected));
    };
    check(3600, 300);
    check(600, 300);
    check(300, 150);
    check(2, 1);
}

fn answer(json: &str) -> Answer {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_new_refresh_token_takes_the_place_of_the_old_one_and_of_its_end() {
    let grant = Grant {
        refresh_token: Secret::new("old".to_owned(), Kind::Password),
        client_id: String::new(),
        signed_in_at: Some(wall(-100)),
        sign_in_before: Some(wall(500)),
    };
    let check = |more: &str, token: &str, end: Option<i64>| {
        let answer = answer(&format!(r#"{{"access_token":"a","token_type":"Bearer"{more}}}"#));
        let next = next_grant(&grant, &answer, "c", wall(0));
        assert_eq!(
            (next.refresh_token.expose(), next.sign_in_before),
            (token, end.map(wall)),
            "{more}"
        );
        assert_eq!((next.client_id.as_str(), next.signed_in_at), ("c", Some(wall(-100))));
    };
    check("", "old", Some(500));
    check(r#","refresh_token":"old""#, "old", Some(500));
    check(r#","refresh_token":"new""#, "new", None);
    check(r#","refresh_token":"new","refresh_token_expires_in":60"#, "new", Some(60));
    check(r#","refresh_token_expires_in":60"#, "old", Some(60));
    // Zero is what some say of a token without an end.
    check(r#","refresh_token":"new","refresh_token_expires_in":0"#, "new", None);
    check(r#","refresh_token_expires_in":9223372036854775807"#, "old", Some(500));
}

fn settings(home: &std::path::Path) -> Settings {
    Settings {
        mailbox: "office".to_owned(),
        user: "ops@broker.example".to_owned(),
        provider: "id.example".to_owned(),
        authorization_url: None,
        device_url: None,
        token_url: Url::parse("http://127.0.0.1:9/token").unwrap(),
        revocation_url: None,
        scopes: Vec::new(),
        authorization_parameters: Vec::new(),
        idle_life: None,
        client_id: "c".to_owned(),
        client_secret: Some(SharedSecret::Written("hunter2".to_owned())),
        flow: Flow::Browser,
        vault: Vault {
            account: "ops@broker.example@imap.example.com".to_owned(),
            store: Store::File(Key::Ours(home.join("key"))),
            folder: home.join("oauth"),
        },
    }
}

#[test]
fn each_refusal_is_taken_for_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let check = |said: &str, patience: Patience| {
        let error = Error::of_code(&settings(home.path()), said);
        assert_eq!(error.patience(), patience, "{said}");
        assert!(!error.hint().is_empty() && error.chain().contains(said), "{error}");
    };
    check("invalid_grant: Token has been expired or revoked.", Patience::SignIn);
    check("interaction_required: AADSTS50076", Patience::SignIn);
    check("invalid_client", Patience::Lasting);
    check("unauthorized_client: x", Patience::Lasting);
    check("temporarily_unavailable", Patience::Passing);
    check("server_error", Patience::Passing);
    // As Microsoft refuses a client of one organisation at the addresses for all.
    let single = "invalid_request: AADSTS50194: Use a tenant-specific endpoint";
    check(single, Patience::Lasting);
    let hint = Error::of_code(&settings(home.path()), single).hint();
    assert!(hint.contains("`device-url` and `token-url`") && hint.contains("tenant"), "{hint}");
}

#[tokio::test]
async fn what_cannot_be_had_is_told_for_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let oauth = OAuth::new(settings(home.path()));
    let limit = Duration::from_secs(20);
    let error = oauth.access_token(limit).await.unwrap_err();
    assert!(matches!(error, Error::NotSignedIn { .. }), "{error}");
    let because = "nobody is signed in to the mailbox office".to_owned();
    assert_eq!(oauth.news(), Some(News::SignInNeeded { because }));
    assert_eq!(oauth.news(), None);
    // Nobody listens at that port: that is no reason to sign in.
    let mut grant = Grant::parse("refresh-token-x");
    oauth.settings.vault.store(&grant, limit).await.unwrap();
    let error = oauth.access_token(limit).await.unwrap_err();
    assert_eq!(error.patience(), Patience::Unreachable, "{error}");
    assert_eq!(oauth.news(), None);
    grant.client_id = "another".to_owned();
    oauth.settings.vault.store(&grant, limit).await.unwrap();
    let error = oauth.access_token(limit).await.unwrap_err();
    assert!(matches!(error, Error::OtherClient { .. }), "{error}");
    let printed = format!("{oauth:?} {error:?} {error} {}", error.hint());
    assert!(!printed.contains("refresh-token-x") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn a_mailbox_of_any_name_can_be_typed() {
    for (name, expected) in [
        ("office", "`acewatch sign-in office`"),
        ("ops@broker.example", "`acewatch sign-in ops@broker.example`"),
        ("the office", "`acewatch sign-in 'the office'`"),
        ("-x", "`acewatch sign-in -- -x`"),
    ] {
        assert_eq!(command(name), expected);
    }
}

#[tokio::test]
async fn a_token_that_could_not_be_stored_outlives_a_provider_that_is_away() {
    let home = tempfile::tempdir().unwrap();
    let oauth = OAuth::new(settings(home.path()));
    let (vault, limit) = (&oauth.settings.vault, Duration::from_secs(20));
    let stored =
        async || vault.read(limit).await.unwrap().unwrap().refresh_token.expose().to_owned();
    let hold = async |replaces: &str, token: &str| {
        let replaces = digest(&Grant::parse(replaces).refresh_token);
        oauth.state.lock().await.unstored = Some((Some(replaces), Grant::parse(token)));
    };
    vault.store(&Grant::parse("spent"), limit).await.unwrap();
    let (key, away) = (home.path().join("key"), home.path().join("away"));
    hold("spent", "only-one").await;
    let error = oauth.access_token(limit).await.unwrap_err();
    assert_eq!(error.patience(), Patience::Unreachable, "{error}");
    assert_eq!(stored().await, "only-one");
    // As long as it cannot be stored it is not forgotten.
    hold("only-one", "next").await;
    std::fs::rename(&key, &away).unwrap();
    assert!(oauth.access_token(limit).await.is_err());
    oauth.close(limit).await;
    assert!(oauth.state.lock().await.unstored.is_some());
    std::fs::rename(&away, &key).unwrap();
    // Before the process ends it is stored, unless somebody has signed in since.
    oauth.close(limit).await;
    assert_eq!(stored().await, "next");
    hold("only-one", "old").await;
    oauth.close(limit).await;
    assert_eq!(stored().await, "next");
}

#[tokio::test]
async fn a_provider_is_not_asked_while_its_answer_could_not_be_stored() {
    let home = tempfile::tempdir().unwrap();
    let oauth = OAuth::new(settings(home.path()));
    let (vault, limit) = (&oauth.settings.vault, Duration::from_secs(20));
    vault.store(&Grant::parse("good"), limit).await.unwrap();
    vault.require_room(limit).await.unwrap();
    let gone = Vault { folder: home.path().join("gone"), ..vault.clone() };
    let error = gone.require_room(limit).await.unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert!(!error.hint().is_empty() && error.patience() == Patience::Passing);
    // Nothing is left of the attempt.
    assert_eq!(std::fs::read_dir(&vault.folder).unwrap().count(), 1);
}

#[tokio::test]
async fn who_waits_for_a_renewal_does_not_renew_once_the_process_ends() {
    let home = tempfile::tempdir().unwrap();
    let oauth = OAuth::new(settings(home.path()));
    let limit = Duration::from_secs(20);
    oauth.settings.vault.store(&Grant::parse("good"), limit).await.unwrap();
    let renewing = Arc::clone(&oauth.state).lock_owned().await;
    // In this order: the one who waits is before the one who closes.
    let (waited, (), ()) =
        tokio::join!(oauth.access_token(limit), oauth.close(limit), async { drop(renewing) });
    let error = waited.unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
}

#[tokio::test]
async fn a_provider_that_refused_is_asked_again_after_an_hour() {
    let home = tempfile::tempdir().unwrap();
    let oauth = OAuth::new(settings(home.path()));
    let limit = Duration::from_secs(20);
    let grant = Grant::parse("refused");
    oauth.settings.vault.store(&grant, limit).await.unwrap();
    for (ago, patience) in [(3590, Patience::SignIn), (3600, Patience::Unreachable)] {
        let since_wall = clock::now() - chrono::Duration::seconds(ago);
        oauth.state.lock().await.refused = Some(Refused {
            token: digest(&grant.refresh_token),
            because: "invalid_grant: AADSTS53003".to_owned(),
            rest: Life { since: Instant::now(), since_wall, length: REST },
        });
        // That it is asked shows in that nobody listens there.
        let error = oauth.access_token(limit).await.unwrap_err();
        assert_eq!(error.patience(), patience, "{ago}: {error}");
    }
}
