//! What `acewatch init` finds in a mailbox: its folders, who vouches for its mail, and the last weeks.

use super::Setup;
use crate::app::App;
use crate::cli::failure::Failure;
use crate::cli::{Context, render};
use crate::config::{FolderName, MailboxSettings, Settings};
use crate::domain::authenticity::{Trust, Vouching, who_vouches};
use crate::domain::kind::Kind;
use crate::mailbox::session::Session;
use crate::mailbox::survey::{Survey, survey};
use crate::notify::desktop;
use crate::provider::Provider;
use crate::store::Store;
use crate::store::query;
use crate::{clock, daemon};

/// So few recent mails say nothing about who vouches for them.
const FEW: usize = 4;

/// Looks at the folders and the mail, and writes into the draft what follows.
pub(super) async fn look(
    setup: &mut Setup<'_>,
    mut session: Session,
    provider: Option<&Provider>,
    address: &str,
) -> Result<(), Failure> {
    let mailbox = setup.mailbox()?;
    let surveyed = survey(&mut session, &mailbox, &setup.settings()?.trust, clock::now()).await;
    session.logout().await;
    let found = surveyed.map_err(|error| super::of_mailbox(&error, None))?;
    folders(setup, &found)?;
    let push = match found.has_idle {
        true => "The server tells of new mail at once (IDLE).\n",
        false => "The server does not tell of new mail; it is asked every few minutes.\n",
    };
    render::print(push)?;
    trust(setup, &found, provider)?;
    own_addresses(setup, &found, address);
    Ok(())
}

/// What can be said of a mailbox that cannot be looked at.
pub(super) fn trust_unseen(
    setup: &mut Setup<'_>,
    provider: Option<&Provider>,
    address: &str,
) -> Result<(), Failure> {
    trust(setup, &Survey::default(), provider)?;
    own_addresses(setup, &Survey::default(), address);
    Ok(())
}

fn folders(setup: &mut Setup<'_>, found: &Survey) -> Result<(), Failure> {
    let shown: Vec<String> = found
        .meant
        .iter()
        .map(|(name, role)| format!("{} ({})", render::escaped(name), role_words(*role)))
        .collect();
    render::print(&format!("Folders: {}\n", shown.join(", ")))?;
    for missing in &found.missing {
        let (words, flag) = match missing.as_str() {
            "\\Sent" => ("your own sent mail".to_owned(), "--sent"),
            "\\Junk" => ("junk, where answers get lost".to_owned(), "--folder"),
            other => (render::escaped(other), "--folder"),
        };
        render::print(&format!("The server does not say which folder holds {words}.\n"))?;
        if !setup.ask.is_possible {
            render::print(&format!("  Name it with {flag}, if there is one.\n"))?;
            continue;
        }
        let mut choices = vec!["there is none".to_owned()];
        choices.extend(found.folders.iter().filter(|name| *name != "INBOX").cloned());
        let chosen = setup.ask.choice("Which one is it?", &choices)?;
        let name = choices.get(chosen).filter(|_| 0 < chosen).map(String::as_str);
        match (missing.as_str(), name) {
            ("\\Sent", name) => setup.draft.set(setup.n, "sent", name.unwrap_or_default()),
            (missing, name) => {
                let mailbox = setup.mailbox()?;
                let folders = mailbox.folders.iter().filter_map(|folder| match folder {
                    FolderName::SpecialUse(use_) if use_.eq_ignore_ascii_case(missing) => name,
                    FolderName::SpecialUse(text) | FolderName::Named(text) => Some(text.as_str()),
                });
                let mut folders: toml_edit::Array = folders.collect();
                if folders.is_empty() {
                    folders.push("INBOX");
                }
                setup.draft.set(setup.n, "folders", folders);
            }
        }
    }
    Ok(())
}

fn role_words(role: crate::domain::message::FolderRole) -> &'static str {
    use crate::domain::message::FolderRole;
    match role {
        FolderRole::Inbox => "answers",
        FolderRole::Junk => "junk",
        FolderRole::Sent => "your own",
    }
}

/// Writes down whose word counts in this mailbox, if that is another's than it is by now.
fn trust(
    setup: &mut Setup<'_>,
    found: &Survey,
    provider: Option<&Provider>,
) -> Result<(), Failure> {
    let settings = setup.settings()?;
    let counting = setup.mailbox()?.authserv_ids;
    let believed = believed(setup, &settings, found, provider)?;
    let is_said = !setup.args.authserv_id.is_empty();
    let ids = match (believed, is_said || setup.is_at_new_server) {
        // Whom other mailboxes believe, a stranger may name in this one; and what is said counts alone.
        (believed, true) => believed,
        (believed, false) => merged(&counting, believed),
    };
    if ids != counting {
        setup.draft.set(setup.n, "authserv-id", ids.into_iter().collect::<toml_edit::Array>());
    }
    Ok(())
}

fn merged(first: &[String], second: Vec<String>) -> Vec<String> {
    let new =
        second.into_iter().filter(|id| !first.iter().any(|known| known.eq_ignore_ascii_case(id)));
    first.iter().cloned().chain(new).collect()
}

/// Finds out who vouches for the mail here, and says so; nobody where a person must decide first.
fn believed(
    setup: &mut Setup<'_>,
    settings: &Settings,
    found: &Survey,
    provider: Option<&Provider>,
) -> Result<Vec<String>, Failure> {
    let own = &settings.trust.own_addresses;
    if !setup.args.authserv_id.is_empty() {
        let ids = setup.args.authserv_id.clone();
        let seen = who_vouches(&found.sample, own, &ids);
        let has_word = if seen.ids == ids { seen.n_vouched } else { 0 };
        render::print(&format!(
            "{} has a word on {has_word} of {} recent mails.\n",
            render::escaped(&ids.join(", ")),
            seen.n_mails
        ))?;
        return Ok(ids);
    }
    let mailbox = setup.mailbox()?;
    let is_configured = |known: &&MailboxSettings| match setup.is_at_new_server {
        // Mailboxes of one server have one that vouches.
        true => known.name != mailbox.name && known.host.eq_ignore_ascii_case(&mailbox.host),
        false => known.name == mailbox.name,
    };
    let existing = settings.mailboxes.iter().find(is_configured);
    let existing = existing.map(|known| known.authserv_ids.as_slice()).unwrap_or_default();
    let of_provider = provider.map(|provider| provider.authserv_id.as_slice()).unwrap_or_default();
    let known = [existing, of_provider].into_iter().filter(|known| !known.is_empty());
    let seen = known
        .map(|known| (known, who_vouches(&found.sample, own, known)))
        .find_map(|(known, seen)| (seen.ids == known).then_some(seen));
    if seen.is_none() && settings.dkim.is_some() {
        render::print(
            "Signatures (DKIM) are verified here, so that no server is needed to vouch.\n",
        )?;
        return Ok(Vec::new());
    }
    let seen = seen.unwrap_or_else(|| who_vouches(&found.sample, own, &[]));
    let Vouching { ids, n_vouched, n_mails, is_guess } = seen;
    if !ids.is_empty() {
        let whose = named(&ids);
        render::print(&format!("{whose} vouches for {n_vouched} of {n_mails} recent mails.\n"))?;
        let how = ids.iter().map(|id| format!("--authserv-id {id}")).collect::<Vec<_>>().join(" ");
        if is_guess {
            render::print(
                "That counts only if it is your own mail server: a stranger could have written the name where it stands.\n",
            )?;
            let question = format!("Is {whose} your own mail server, or that of your provider?");
            if !setup.ask.is_possible || !setup.ask.agrees(&question, false)? {
                render::print(&format!(
                    "It is not trusted. If it is yours, `acewatch init` with {} trusts it; until then all of CBP's mail goes to review.\n",
                    render::escaped(&how)
                ))?;
                return Ok(Vec::new());
            }
        }
        return Ok(ids);
    }
    let known = if existing.is_empty() { of_provider } else { existing };
    if n_mails < FEW && !known.is_empty() {
        render::print(&format!(
            "Too few recent mails to see who vouches for them: it is {}, as is known of this provider or was configured.\n",
            named(known)
        ))?;
        return Ok(known.to_vec());
    }
    if n_mails < FEW {
        render::print(
            "Too few recent mails to see who vouches for them. Until `authserv-id` is set, all of CBP's mail goes to review; run `acewatch init` again when there is more mail.\n",
        )?;
        return Ok(Vec::new());
    }
    let said = format!(
        "No server vouches for the mail here: none has a word on half of {n_mails} recent mails.\n"
    );
    render::print(&said)?;
    if cfg!(feature = "dkim")
        && settings.dkim.is_none()
        && setup.ask.agrees("Verify the signatures of CBP's mail here, with the DNS?", true)?
    {
        setup.draft.verify_dkim();
        render::print("Signatures (DKIM) are verified here.\n")?;
        return Ok(Vec::new());
    }
    render::print("All of CBP's mail goes to review.\n")?;
    Ok(Vec::new())
}

/// Servers by their names, for a person.
fn named(ids: &[String]) -> String {
    match ids {
        [id] if id == "-" => "a server that writes no name".to_owned(),
        ids => render::escaped(&ids.join(", ")),
    }
}

/// The addresses from which somebody here writes to CBP.
fn own_addresses(setup: &mut Setup<'_>, found: &Survey, address: &str) {
    // The name of an account need not be an address; what a person names is for the configuration to
    // judge.
    let mut own: Vec<String> = std::iter::once(address.to_owned())
        .chain(found.writers.iter().cloned())
        .filter(|address| address.contains('@'))
        .chain(setup.args.own_addresses.iter().cloned())
        .collect();
    let is_known: Trust = Trust::of_cbp(
        Vec::new(),
        setup.settings().map(|settings| settings.trust.own_addresses).unwrap_or_default(),
    );
    own.retain(|own| !is_known.is_own_address(own));
    own.sort();
    own.dedup();
    setup.draft.own_addresses(&own);
}

/// Says how alerts will reach a person here.
pub(super) async fn tellers(settings: &Settings) -> Result<(), Failure> {
    let n_channels = settings.channels.len();
    let desktop = match settings.notify.desktop {
        true => desktop::probe(settings.limits.notify_timeout).await.ok(),
        false => None,
    };
    render::print(&match (desktop, n_channels) {
        (Some(server), _) => format!("Alerts are shown on this desktop ({}).\n", render::escaped(&server)),
        (None, 0) => "No notices can be shown in this session. Log in to a desktop, or have alerts mailed: docs/broker.md, \"Whom to tell\".\n".to_owned(),
        (None, n) => format!("Alerts go out by {}.\n", plural(n, "channel")),
    })
}

/// Reads the last weeks into a database that is thrown away, and says what there was.
pub(super) async fn preview(
    cx: &Context,
    settings: &Settings,
    mailbox: &MailboxSettings,
) -> Result<(), Failure> {
    let directory = tempfile::Builder::new()
        .prefix("acewatch-init-")
        .tempdir()
        .map_err(|error| Failure::new("cannot make a directory for the preview").because(error))?;
    let store = Store::open(&directory.path().join("acewatch.db"))?;
    let settings = Settings { mailboxes: vec![mailbox.clone()], ..settings.clone() };
    let mut app = App::new(store, settings, cx.rules()?);
    let pass = daemon::read(&mut app, None).await?;
    if let Some((_, error)) = pass.failed.first() {
        return Err(super::of_mailbox(error, None));
    }
    let days = mailbox.look_back.as_secs() / 86_400;
    let kinds = query::kinds(app.store.read())?;
    let n_of = |kind: Kind| -> usize {
        let is_counted = |effect: &str| matches!(effect, "recorded" | "review");
        let of = kinds.iter().filter(|(k, effect, _)| k == kind.as_str() && is_counted(effect));
        of.map(|(_, _, n)| usize::try_from(*n).unwrap_or(usize::MAX)).sum()
    };
    let told: Vec<String> = [
        (Kind::Submission, "submission"),
        (Kind::Receipt, "receipt"),
        (Kind::Reply, "reply"),
        (Kind::InformationRequest, "question"),
        (Kind::Approval, "approval"),
        (Kind::Rejection, "rejection"),
        (Kind::Bounce, "bounce"),
    ]
    .into_iter()
    .map(|(kind, word)| (n_of(kind), word))
    .filter(|(n, _)| 0 < *n)
    .map(|(n, word)| plural(n, word))
    .collect();
    let n_applications = app.overview(clock::now(), None)?.len();
    let n_review = query::n_review(app.store.read())?;
    let mut text = format!("\nThe last {days} days: ");
    text.push_str(&match told.is_empty() {
        true => "nothing to or from CBP".to_owned(),
        false => told.join(", "),
    });
    text.push_str(&format!("; {}", plural(n_applications, "application")));
    if 0 < n_review {
        text.push_str(&format!("; {n_review} to review"));
    }
    let forged = kinds.iter().filter(|(_, effect, _)| effect == "quarantined");
    let n_forged: u32 = forged.map(|(_, _, n)| n).sum();
    if 0 < n_forged {
        text.push_str(&format!("; {n_forged} forged"));
    }
    text.push_str(".\n");
    if n_of(Kind::Submission) == 0 {
        text.push_str("No submission is among your sent mail; what was sent otherwise is registered with `acewatch add`.\n");
    }
    render::print(&format!("{text}\n"))
}

fn plural(n: usize, word: &str) -> String {
    match (n, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (n, Some(stem)) => format!("{n} {stem}ies"),
        (n, None) => format!("{n} {word}s"),
    }
}
