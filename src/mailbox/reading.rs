//! From an examined folder to batches of mails.
//!
//! Two steps, so that a mailbox of 100,000 mails costs the headers of all and the bodies of a few:
//! sizes and chosen header fields are streamed past [`Interest`](super::Interest), and nothing is
//! kept but the UIDs it says yes to; then those are fetched whole. Pages are large, because each
//! costs two commands and a round trip.
//!
//! Some servers answer NO to a whole FETCH because of one mail they cannot read. Such a set is split
//! until that mail is alone, and passed over as unreadable. Others leave it out of their answer; what
//! did not come is looked for by SEARCH before it is taken for deleted. What becomes of those mails,
//! and of mails at which connections end, says [`unreadable`](super::unreadable).
//!
//! A server that names no UIDNEXT is not trusted to keep its UIDs either. Courier writes them down when
//! a folder is selected; what has come since then is numbered anew by each EXAMINE, in the order of
//! the times in the file names, and who was delivered slowly takes the UID of one already read. There
//! all mails are looked at that arrived since the last look of this process, and a day before.
//!
//! The cursor moves with the last batch of a page. Batches before it carry the cursor as it was:
//! mails in them may be read twice, which changes nothing, but none is passed over. A first reading
//! that is cut short starts again, so that coverage is never claimed for half of it.

use std::collections::{BTreeMap, BTreeSet};

use async_imap::imap_proto::Response;
use chrono::{DateTime, Days, NaiveDate, Utc};
use tokio::sync::{mpsc, oneshot};

use super::folders::Folder;
use super::session::{Fetched, Session, fetched};
use super::uids::{Set, above, exact_ranges, halves, holds, ranges, sets, shown};
use super::unreadable::Parts;
use super::wanted::Wanted;
use super::{Answer, Batch, Error, RawMail, Report, Start};
use crate::domain::cursor::{Cursor, Plan, Selected};

/// The most mails whose headers one command asks for.
const PAGE: usize = 200_000;
/// After so many refused FETCH commands in a row the mailbox counts as unreadable. To find one mail
/// among 200,000 takes 18, and then there is one that is not refused.
const REFUSALS: u32 = 200;
/// Why a mail is passed over of which something came.
const GARBLED: &str = "the server's answer cannot be understood";
/// Why a mail is passed over of which nothing came.
const LEFT_OUT: &str = "the server has it and leaves it out of its answer";
/// The most mails in a batch.
const BATCH_MAILS: usize = 200;
/// The most octets in a batch, but for its last mail.
const BATCH_OCTETS: usize = 8_000_000;

/// What reading a folder came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    /// The start of the look-back, where the folder was read anew.
    pub from: Option<DateTime<Utc>>,
    /// Whether there was anything new.
    pub is_moved: bool,
    /// How many mails there were.
    pub exists: u32,
}

/// Reads what is new in a folder and reports it; returns once all of it is committed.
///
/// `seen` is the folder as it was a moment ago: if nothing had come by then, nothing is asked.
///
/// # Errors
/// See [`Error`]; the cursor in `start` then stands where the last commit left it.
pub async fn read(
    session: &mut Session,
    folder: &Folder,
    seen: Option<Selected>,
    start: &mut Start,
    reports: &mpsc::Sender<Report>,
) -> Result<Reading, Error> {
    let recorded = start.cursors.get(&folder.name).cloned();
    if let Some(Selected { exists, .. }) =
        seen.filter(|seen| Plan::after(recorded.as_ref(), seen) == Plan::Nothing)
    {
        return Ok(Reading { from: None, is_moved: false, exists });
    }
    let at = (start.clock)();
    let selected = session.examine(&folder.raw).await?;
    let plan = Plan::after(recorded.as_ref(), &selected);
    if let Plan::Restart { why } = &plan {
        // Courier has another UIDVALIDITY at each EXAMINE of a folder that nobody has ever selected.
        if selected.uid_next.is_none() && start.looked.contains_key(&folder.name) {
            tracing::debug!(folder = %folder.name, reason = %why, "the folder is read anew");
        } else {
            tracing::warn!(
                mailbox = %start.settings.name, folder = %folder.name, reason = %why,
                "the folder is read anew"
            );
        }
        start.unreadable.read_anew(&folder.name, selected.uid_validity);
    }
    let validity = selected.uid_validity;
    let mut job =
        Job { session, folder, start, reports, recorded, validity, is_trial: false, largest: 0 };
    let exists = selected.exists;
    let reading = match plan {
        Plan::Nothing => Reading { from: None, is_moved: false, exists },
        Plan::From(uid) => {
            match selected.uid_next {
                Some(next) => job.read_from(uid, next, &selected).await?,
                None => job.read_unnumbered(uid, &selected).await?,
            }
            let is_moved = start.cursors.get(&folder.name).is_some_and(|at| at.uid_next != uid);
            Reading { from: None, is_moved, exists }
        }
        Plan::LookBack | Plan::Restart { .. } => {
            let from = job.look_back(&selected).await?;
            Reading { from: Some(from), is_moved: true, exists }
        }
    };
    start.looked.insert(folder.name.clone(), at);
    start.unreadable.survived(&folder.name);
    Ok(reading)
}

/// Tries those mails of a folder again that could not be read and whose time has come. Each is
/// fetched alone, because it may end the connection; the next one then reports that.
///
/// # Errors
/// As [`read`].
pub async fn try_again(
    session: &mut Session,
    folder: &Folder,
    start: &mut Start,
    reports: &mpsc::Sender<Report>,
) -> Result<(), Error> {
    let due = start.unreadable.due(&folder.name, start.limits.unreadable_retry, (start.clock)());
    let Some(cursor) = start.cursors.get(&folder.name).cloned().filter(|_| !due.is_empty()) else {
        return Ok(());
    };
    let selected = session.examine(&folder.raw).await?;
    for (validity, uid) in due {
        // The next reading sees a new UIDVALIDITY, and reads all of the folder.
        if validity != selected.uid_validity || validity != cursor.uid_validity {
            continue;
        }
        let mut page = Page { retried: vec![uid], ..Page::default() };
        let deadly = start.unreadable.deadly(&folder.name, validity, uid);
        let recorded = Some(cursor.clone());
        let mut job =
            Job { session, folder, start, reports, recorded, validity, is_trial: true, largest: 0 };
        match deadly {
            Some(why) => page.leave_out(uid, &why),
            None => {
                job.start.unreadable.on_trial(&folder.name, validity, uid);
                let read = job.read_page(exact_ranges(&[uid]), &Wanted::Listed(&[uid])).await?;
                page = Page { retried: page.retried, ..read };
            }
        }
        job.report(page, cursor.clone(), cursor.clone()).await?;
        start.unreadable.survived(&folder.name);
    }
    Ok(())
}

/// One folder being read.
struct Job<'a> {
    session: &'a mut Session,
    folder: &'a Folder,
    start: &'a mut Start,
    reports: &'a mpsc::Sender<Report>,
    /// The cursor as it is committed.
    recorded: Option<Cursor>,
    /// The folder's UIDVALIDITY.
    validity: u32,
    /// Whether a mail is tried again that could not be read.
    is_trial: bool,
    /// The largest UID seen.
    largest: u32,
}

impl Job<'_> {
    async fn read_from(&mut self, first: u32, next: u32, selected: &Selected) -> Result<(), Error> {
        let validity = selected.uid_validity;
        let cursor = |uid_next| Cursor { uid_validity: validity, uid_next };
        // Mails came and went again, or the numbers alone do not tell how few there are.
        let few = usize::try_from(selected.exists).unwrap_or(usize::MAX) <= PAGE;
        let step = if few { u32::MAX } else { u32::try_from(PAGE).unwrap_or(u32::MAX) };
        let mut at = first;
        while at < next {
            let end = next.min(at.saturating_add(step));
            let page = if selected.exists == 0 {
                Page::default()
            } else {
                self.read_page(vec![at..=end - 1], &Wanted::All).await?
            };
            self.report(page, cursor(at), cursor(end)).await?;
            at = end;
        }
        Ok(())
    }

    /// Reads what is new where the server names no UIDNEXT.
    async fn read_unnumbered(&mut self, first: u32, selected: &Selected) -> Result<(), Error> {
        let cursor = |uid_next| Cursor { uid_validity: selected.uid_validity, uid_next };
        let looked = self.start.looked.get(&self.folder.name).copied();
        let since = looked.unwrap_or_else(|| self.look_back_start());
        let listed = self.session.search_since(day_before(since)).await?;
        let (below, _) = listed.split_at(listed.partition_point(|uid| *uid < first));
        let mut set = ranges(below);
        set.push(first..=u32::MAX);
        let page = self.read_page(set, &Wanted::ListedAndFrom(&listed, first)).await?;
        let end = self.largest.saturating_add(1).max(first);
        self.report(page, cursor(first), cursor(end)).await
    }

    fn look_back_start(&self) -> DateTime<Utc> {
        let span = chrono::TimeDelta::from_std(self.start.settings.look_back).ok();
        span.and_then(|span| (self.start.clock)().checked_sub_signed(span))
            .unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
    }

    async fn look_back(&mut self, selected: &Selected) -> Result<DateTime<Utc>, Error> {
        let from = self.look_back_start();
        let day = day_before(from);
        let uids =
            if selected.exists == 0 { Vec::new() } else { self.session.search_since(day).await? };
        let unfinished = Cursor::unfinished(selected.uid_validity);
        let mut pages = uids.chunks(PAGE).peekable();
        let mut last = Page::default();
        while let Some(listed) = pages.next() {
            let page = self.read_page(ranges(listed), &Wanted::Listed(listed)).await?;
            if pages.peek().is_none() {
                last = page;
            } else {
                self.report(page, unfinished.clone(), unfinished.clone()).await?;
            }
        }
        let largest = uids.last().copied().unwrap_or(0).max(self.largest);
        let end = selected.uid_next.unwrap_or(1).max(largest.saturating_add(1));
        let done = Cursor { uid_validity: selected.uid_validity, uid_next: end };
        self.report(last, unfinished, done).await?;
        Ok(from)
    }

    /// Looks at the headers of a set and returns which of its mails are of interest.
    async fn read_page(&mut self, set: Set, wanted: &Wanted<'_>) -> Result<Page, Error> {
        let mut page = Page::default();
        let mut todo = vec![set];
        if let Some(set) = todo.first()
            && self.is_careful(set)
        {
            let listed = self.session.search_uids(&shown(set)).await?;
            let Parts { asked, left_out } = self.parts(&listed);
            todo = asked.iter().rev().map(|uids| exact_ranges(uids)).collect();
            for (uid, why) in left_out.into_iter().filter(|(uid, _)| wanted.contains(*uid)) {
                self.largest = uid.max(self.largest);
                page.leave_out(uid, &why);
            }
        }
        let mut n_refused = 0;
        while let Some(set) = todo.pop() {
            match self.read_headers(&set, wanted, &mut page).await {
                Err(Error::Refused { source, .. }) if n_refused < REFUSALS => {
                    n_refused += 1;
                    match halves(&set) {
                        // The lower half is next.
                        Some((lower, upper)) => todo.extend([upper, lower]),
                        None => {
                            for uid in set.into_iter().flatten().filter(|uid| wanted.contains(*uid))
                            {
                                page.leave_out(uid, &format!("the server refuses it: {source}"));
                            }
                        }
                    }
                }
                done => {
                    done?;
                    n_refused = 0;
                }
            }
        }
        Ok(page)
    }

    async fn read_headers(
        &mut self,
        set: &Set,
        wanted: &Wanted<'_>,
        page: &mut Page,
    ) -> Result<(), Error> {
        let Job { session, folder, start, largest, validity, is_trial, .. } = self;
        let (interest, role) = (&start.interest, folder.role);
        let mut seen = Vec::new();
        // The server may send news of flags at any time; only a mail of which nothing else ever
        // comes has no header.
        let mut bare = BTreeSet::new();
        let damaged = session
            .headers(&shown(set), |Fetched { uid, size, body, .. }| {
                // News of others, and the last mail, which `n:*` returns even where it is below n
                // (RFC 3501 §6.4.8).
                if !holds(set, uid) || !wanted.contains(uid) {
                    return;
                }
                seen.push(uid);
                *largest = uid.max(*largest);
                let Some(header) = body else {
                    bare.insert(uid);
                    return;
                };
                bare.remove(&uid);
                if interest(header, role) {
                    page.interesting.insert(uid, size);
                }
            })
            .await;
        let damaged = damaged.inspect_err(|err| {
            let came = seen.iter().max().copied().unwrap_or(0);
            start.unreadable.died(&folder.name, *validity, err, above(set, came));
        })?;
        bare.retain(|uid| !page.interesting.contains_key(uid));
        for uid in bare {
            page.leave_out(uid, "the server has no header for it");
        }
        let is_anonymous = damaged.iter().any(|damaged| damaged.uid.is_none());
        let broken: BTreeSet<u32> = damaged.into_iter().filter_map(|damaged| damaged.uid).collect();
        for uid in broken.into_iter().filter(|uid| holds(set, *uid) && wanted.contains(*uid)) {
            *largest = uid.max(*largest);
            page.leave_out(uid, GARBLED);
            seen.push(uid);
        }
        seen.sort_unstable();
        seen.dedup();
        // Most that do not come were deleted; but some servers leave out what they cannot read.
        if wanted.lacks(set, &seen) {
            let mut missing = session.search_uids(&shown(set)).await?;
            missing.retain(|uid| {
                seen.binary_search(uid).is_err() && holds(set, *uid) && wanted.is_known(*uid)
            });
            // That is no matter of one mail, or not yet.
            if seen.is_empty() && !is_anonymous && !missing.is_empty() && !*is_trial {
                let source = Answer::new("it leaves out all of the mails");
                let err = Error::Garbled { command: "FETCH", source };
                start.unreadable.died(&folder.name, *validity, &err, exact_ranges(&missing));
                return Err(err);
            }
            for uid in missing {
                *largest = uid.max(*largest);
                page.leave_out(uid, if is_anonymous { GARBLED } else { LEFT_OUT });
            }
        }
        tracing::debug!(
            mailbox = %start.settings.name, folder = %folder.name, mails = seen.len(),
            interesting = page.interesting.len(), "headers read"
        );
        Ok(())
    }

    /// Fetches a page's interesting mails and reports them, the last batch with cursor `done`.
    async fn report(&mut self, page: Page, before: Cursor, done: Cursor) -> Result<(), Error> {
        let limit = self.start.limits.max_message;
        let Page { mut interesting, mut unreadable, retried } = page;
        for uid in interesting.keys() {
            if let Some(why) = self.start.unreadable.deadly(&self.folder.name, self.validity, *uid)
            {
                unreadable.push((*uid, why));
            }
        }
        interesting.retain(|uid, _| !unreadable.iter().any(|(bad, _)| bad == uid));
        let mut batch = Pile { unreadable, retried, ..Pile::default() };
        let (small, large): (Vec<u32>, Vec<u32>) = {
            let (small, large): (Vec<_>, Vec<_>) =
                interesting.iter().partition(|(_, size)| u64::from(**size) <= limit);
            (
                small.into_iter().map(|(uid, _)| *uid).collect(),
                large.into_iter().map(|(uid, _)| *uid).collect(),
            )
        };
        let part = format!("BODY.PEEK[]<0.{limit}>");
        for (uids, item, truncated) in [(small, "BODY.PEEK[]", false), (large, part.as_str(), true)]
        {
            let mut todo = match self.is_careful(&exact_ranges(&uids)) {
                true => self.parts(&uids).asked,
                false => sets(&uids).map(<[u32]>::to_vec).collect(),
            };
            todo.reverse();
            let mut n_refused = 0;
            while let Some(uids) = todo.pop() {
                let fetched = self.fetch(&uids, item, truncated, &mut batch, &before).await;
                match fetched {
                    Err((Error::Refused { source, .. }, missing)) if n_refused < REFUSALS => {
                        n_refused += 1;
                        if let [uid] = missing.as_slice() {
                            let why = format!("the server refuses it: {source}");
                            batch.unreadable.push((*uid, why));
                        } else {
                            let (lower, upper) = missing.split_at(missing.len() / 2);
                            let halves = [upper.to_vec(), lower.to_vec()];
                            todo.extend(halves.into_iter().filter(|half| !half.is_empty()));
                        }
                    }
                    Err((err, missing)) => {
                        let (folder, missing) = (&self.folder.name, exact_ranges(&missing));
                        self.start.unreadable.died(folder, self.validity, &err, missing);
                        return Err(err);
                    }
                    Ok(()) => n_refused = 0,
                }
            }
        }
        if batch.is_empty() && self.recorded.as_ref() == Some(&done) {
            return Ok(());
        }
        self.deliver(batch, done).await
    }

    /// Fetches mails whole, handing batches on as they fill. An error comes with the UIDs of the
    /// mails that had not arrived by then.
    async fn fetch(
        &mut self,
        uids: &[u32],
        item: &str,
        truncated: bool,
        batch: &mut Pile,
        before: &Cursor,
    ) -> Result<(), (Error, Vec<u32>)> {
        let command = format!("UID FETCH {} (UID INTERNALDATE {item})", shown(&exact_ranges(uids)));
        let mut missing: BTreeSet<u32> = uids.iter().copied().collect();
        let mut bare = BTreeSet::new();
        let clock = self.start.clock;
        // The running command holds the session; delivering needs the rest.
        let Job { session, folder, start, reports, recorded, .. } = self;
        let mut running = session.run("FETCH", &command).await.map_err(|err| (err, Vec::new()))?;
        let mut take = |response: &Response<'_>, batch: &mut Pile, missing: &mut BTreeSet<u32>| {
            let Some(mail) = fetched(response) else {
                return;
            };
            // News of other mails, or the same mail a second time.
            if !missing.contains(&mail.uid) {
                return;
            }
            let Some(bytes) = mail.body else {
                bare.insert(mail.uid);
                return;
            };
            missing.remove(&mail.uid);
            let received_at = mail.received_at.unwrap_or_else(|| {
                tracing::debug!(folder = %folder.name, uid = mail.uid, "no date of arrival");
                clock()
            });
            batch.add(RawMail { uid: mail.uid, received_at, bytes: bytes.to_vec(), truncated });
        };
        loop {
            let next = running.next(|response| take(response, batch, &mut missing)).await;
            match next {
                Ok(None) => break,
                Ok(Some(())) if batch.is_full() => {
                    let full = std::mem::take(batch);
                    deliver(full, before.clone(), folder, start, reports, recorded)
                        .await
                        .map_err(|err| (err, Vec::new()))?;
                }
                Ok(Some(())) => {}
                Err(err) => return Err((err, missing.into_iter().collect())),
            }
        }
        let damaged = self.session.take_damaged();
        let is_anonymous = damaged.iter().any(|damaged| damaged.uid.is_none());
        for uid in damaged.into_iter().filter_map(|damaged| damaged.uid) {
            if missing.remove(&uid) {
                batch.unreadable.push((uid, GARBLED.to_owned()));
            }
        }
        for uid in &bare {
            if missing.remove(uid) {
                batch.unreadable.push((*uid, "the server has no content for it".to_owned()));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        // As with headers: deleted meanwhile, or left out.
        let missing: Vec<u32> = missing.into_iter().collect();
        let there = self.session.search_uids(&shown(&exact_ranges(&missing))).await;
        for uid in there.map_err(|err| (err, missing.clone()))? {
            if missing.binary_search(&uid).is_ok() {
                let why = if is_anonymous { GARBLED } else { LEFT_OUT };
                batch.unreadable.push((uid, why.to_owned()));
            }
        }
        Ok(())
    }

    fn is_careful(&self, set: &Set) -> bool {
        !self.is_trial && self.start.unreadable.is_careful(&self.folder.name, self.validity, set)
    }

    fn parts(&self, uids: &[u32]) -> Parts {
        self.start.unreadable.parts(&self.folder.name, self.validity, uids)
    }

    async fn deliver(&mut self, batch: Pile, cursor: Cursor) -> Result<(), Error> {
        deliver(batch, cursor, self.folder, self.start, self.reports, &mut self.recorded).await
    }
}

/// SEARCH counts in days of a zone that only the server knows: one day more.
fn day_before(at: DateTime<Utc>) -> NaiveDate {
    let day = at.date_naive();
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

/// Hands a batch to the main task and waits until it is committed.
async fn deliver(
    batch: Pile,
    cursor: Cursor,
    folder: &Folder,
    start: &mut Start,
    reports: &mpsc::Sender<Report>,
    recorded: &mut Option<Cursor>,
) -> Result<(), Error> {
    let (committed, answer) = oneshot::channel();
    let Pile { unreadable, retried, .. } = &batch;
    let failed: Vec<u32> = unreadable.iter().map(|(uid, _)| *uid).collect();
    let resolved: Vec<u32> = retried.iter().filter(|uid| !failed.contains(uid)).copied().collect();
    let batch = Batch {
        mailbox: start.settings.name.clone(),
        folder: folder.name.clone(),
        role: folder.role,
        cursor: cursor.clone(),
        mails: batch.mails,
        unreadable: batch.unreadable,
        retried: batch.retried,
    };
    let sent = reports.send(Report::Batch(batch, committed)).await;
    sent.map_err(|_| Error::NobodyListens)?;
    if !answer.await.unwrap_or(false) {
        return Err(Error::NotRecorded);
    }
    let now = (start.clock)();
    for uid in failed {
        start.unreadable.failed(&folder.name, cursor.uid_validity, uid, now);
    }
    for uid in resolved {
        start.unreadable.resolved(&folder.name, cursor.uid_validity, uid);
    }
    start.cursors.insert(folder.name.clone(), cursor.clone());
    *recorded = Some(cursor);
    Ok(())
}

/// What the headers of a page came to.
#[derive(Debug, Default)]
struct Page {
    /// UID and size.
    interesting: BTreeMap<u32, u32>,
    unreadable: Vec<(u32, String)>,
    retried: Vec<u32>,
}

impl Page {
    fn leave_out(&mut self, uid: u32, why: &str) {
        self.unreadable.push((uid, why.to_owned()));
    }
}

/// A batch in the making.
#[derive(Debug, Default)]
struct Pile {
    mails: Vec<RawMail>,
    n_octets: usize,
    unreadable: Vec<(u32, String)>,
    retried: Vec<u32>,
}

impl Pile {
    fn add(&mut self, mail: RawMail) {
        self.n_octets += mail.bytes.len();
        self.mails.push(mail);
    }

    fn is_full(&self) -> bool {
        BATCH_MAILS <= self.mails.len() || BATCH_OCTETS <= self.n_octets
    }

    fn is_empty(&self) -> bool {
        self.mails.is_empty() && self.unreadable.is_empty() && self.retried.is_empty()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::session::tests::{limits, scripted};
    use super::super::unreadable::Unreadable;
    use super::*;
    use crate::config::{FolderName, MailboxSettings, Tls};
    use crate::domain::message::FolderRole;
    use crate::secret::SecretSource;
    use chrono::TimeZone;
    use std::sync::Arc;
    use std::time::Duration;

    pub(crate) fn start(cursor: Option<Cursor>) -> Start {
        Start {
            settings: MailboxSettings {
                name: "office".to_owned(),
                host: "localhost".to_owned(),
                port: 993,
                tls: Tls::Implicit,
                ca_file: None,
                pin_sha256: None,
                user: "ops".to_owned(),
                secret: SecretSource::Environment("NONE".to_owned()),
                folders: vec![FolderName::Named("INBOX".to_owned())],
                sent: None,
                authserv_ids: Vec::new(),
                idle: true,
                poll_interval: Duration::from_secs(300),
                look_back: Duration::from_secs(60 * 86_400),
            },
            limits: limits(),
            cursors: cursor.map(|cursor| ("INBOX".to_owned(), cursor)).into_iter().collect(),
            looked: BTreeMap::new(),
            unreadable: Unreadable::default(),
            interest: Arc::new(|header, _| header.starts_with(b"From: cbp")),
            clock: || Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap(),
        }
    }

    const EXAMINED: &str =
        "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 9] n\r\n@ OK x\r\n";

    fn header(uid: u32, size: u32, text: &str) -> String {
        format!(
            "* 1 FETCH (UID {uid} RFC822.SIZE {size} BODY[HEADER.FIELDS (FROM)] {{{}}}\r\n{text})\r\n",
            text.len()
        )
    }

    fn body(uid: u32, text: &str) -> String {
        format!(
            "* 1 FETCH (UID {uid} INTERNALDATE \"20-Nov-2026 10:00:00 +0000\" BODY[] {{{}}}\r\n{text})\r\n",
            text.len()
        )
    }

    /// Reads INBOX with a scripted server; each batch is answered by `commits`. Returns what was
    /// reported, in short, and how it ended.
    async fn reading(
        cursor: Option<(u32, u32)>,
        script: &[&str],
        commits: bool,
    ) -> (Vec<String>, String) {
        let mut session = scripted(script).await;
        let cursor = cursor.map(|(uid_validity, uid_next)| Cursor { uid_validity, uid_next });
        let mut start = start(cursor);
        let (sender, mut receiver) = mpsc::channel(1);
        let main = tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(report) = receiver.recv().await {
                let Report::Batch(batch, committed) = report else {
                    continue;
                };
                let uids: Vec<String> = batch
                    .mails
                    .iter()
                    .map(|mail| format!("{}{}", mail.uid, if mail.truncated { "…" } else { "" }))
                    .collect();
                let lost: Vec<u32> = batch.unreadable.iter().map(|(uid, _)| *uid).collect();
                let Cursor { uid_validity, uid_next } = batch.cursor;
                seen.push(format!("{uids:?} lost {lost:?} to {uid_validity}/{uid_next}"));
                committed.send(commits).unwrap();
            }
            seen
        });
        let folder =
            Folder { name: "INBOX".to_owned(), raw: "INBOX".to_owned(), role: FolderRole::Inbox };
        let outcome = match read(&mut session, &folder, None, &mut start, &sender).await {
            Ok(Reading { from, is_moved, .. }) => {
                format!("from {:?} moved {is_moved}", from.map(|from| from.date_naive()))
            }
            Err(err) => err.chain(),
        };
        drop(sender);
        (main.await.unwrap(), outcome)
    }

    async fn check(cursor: Option<(u32, u32)>, script: &[&str], batches: &[&str], outcome: &str) {
        let (seen, ended) = reading(cursor, script, true).await;
        assert_eq!(seen, batches, "{ended}");
        assert_eq!(ended, outcome);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_new_means_no_fetch_and_no_batch() {
        check(Some((7, 9)), &[EXAMINED], &[], "from None moved false").await;
    }

    #[tokio::test(start_paused = true)]
    async fn only_mails_of_interest_are_fetched_and_the_cursor_passes_all() {
        let headers = [
            header(2, 9, "From: cbp\r\n"), // below the cursor, as `n:*` would return it
            header(5, 9, "From: cbp\r\n"),
            header(6, 9, "From: shop\r\n"),
            header(8, 2_000_000, "From: cbp\r\n"),
        ];
        let headers = format!("{}@ OK x\r\n", headers.concat());
        let bodies = format!("{}@ OK x\r\n", body(5, "five"));
        let large = format!("{}@ OK x\r\n", body(8, "begin"));
        check(
            Some((7, 5)),
            &[EXAMINED, &headers, "* SEARCH 5 6 8\r\n@ OK x\r\n", &bodies, &large],
            &["[\"5\", \"8…\"] lost [] to 7/9"],
            "from None moved true",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_the_flags_of_a_mail_that_was_not_asked_for_is_no_mail_without_a_header() {
        let headers = [5, 6, 7, 8].map(|uid| header(uid, 9, "From: shop\r\n")).concat();
        let headers =
            format!("{headers}* 4 EXISTS\r\n* 4 FETCH (UID 9 FLAGS (\\Seen))\r\n@ OK x\r\n");
        let batches = ["[] lost [] to 7/9"];
        check(Some((7, 5)), &[EXAMINED, &headers], &batches, "from None moved true").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_reading_searches_and_says_from_when() {
        let headers = format!("{}@ OK x\r\n", header(4, 9, "From: shop\r\n"));
        check(
            None,
            &[EXAMINED, "* SEARCH 4 5\r\n@ OK x\r\n", &headers, "* SEARCH 4\r\n@ OK x\r\n"],
            &["[] lost [] to 7/9"],
            "from Some(2026-09-23) moved true",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_folder_is_not_searched() {
        check(
            None,
            &["* 0 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 1] n\r\n@ OK x\r\n"],
            &["[] lost [] to 7/1"],
            "from Some(2026-09-23) moved true",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_header_and_a_broken_body_are_counted_and_passed() {
        let headers = format!(
            "{}* 2 FETCH (UID 6 RFC822.SIZE x)\r\n{}@ OK x\r\n",
            header(5, 9, "From: cbp\r\n"),
            header(8, 9, "From: cbp\r\n")
        );
        let bodies = format!("* 1 FETCH (UID 5 BODY[] nonsense\r\n{}@ OK x\r\n", body(8, "eight"));
        check(
            Some((7, 5)),
            &[EXAMINED, &headers, "* SEARCH 5 6 8\r\n@ OK x\r\n", &bodies],
            &["[\"8\"] lost [6, 5] to 7/9"],
            "from None moved true",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_mail_that_comes_twice_does_not_stand_in_for_one_that_is_left_out() {
        let headers = [5, 6, 6, 8].map(|uid| header(uid, 9, "From: shop\r\n")).concat();
        let headers = format!("{headers}@ OK x\r\n");
        let found = "* SEARCH 5 6 7 8\r\n@ OK x\r\n";
        let batches = ["[] lost [7] to 7/9"];
        check(Some((7, 5)), &[EXAMINED, &headers, found], &batches, "from None moved true").await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_without_any_of_the_mails_that_are_there_moves_no_cursor() {
        let (found, why) = ("* SEARCH 6\r\n@ OK x\r\n", "it leaves out all of the mails");
        let outcome = format!("the answer to FETCH cannot be understood: {why}");
        check(Some((7, 5)), &[EXAMINED, "@ OK x\r\n", found], &[], &outcome).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_mail_that_the_server_refuses_costs_only_itself() {
        let no = "@ NO some messages could not be read\r\n";
        let first = format!("{}{no}", header(5, 9, "From: cbp\r\n"));
        let lower = format!("{}@ OK x\r\n", header(5, 9, "From: cbp\r\n"));
        let bodies = format!("{}@ OK x\r\n", body(5, "five"));
        let found = "* SEARCH 5\r\n@ OK x\r\n";
        let gone = "* SEARCH\r\n@ OK x\r\n";
        // 5:8 is refused, 5:6 is not, 7:8 is, 7 is, 8 is not.
        check(
            Some((7, 5)),
            &[EXAMINED, &first, &lower, found, no, no, "@ OK x\r\n", gone, &bodies],
            &["[\"5\"] lost [7] to 7/9"],
            "from None moved true",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_the_server_refuses_costs_only_itself() {
        let headers = [5, 6, 7].map(|uid| header(uid, 9, "From: cbp\r\n")).concat();
        let headers = format!("{headers}@ OK x\r\n");
        let first = format!("{}@ NO not all\r\n", body(5, "five"));
        let seven = format!("{}@ OK x\r\n", body(7, "seven"));
        check(
            Some((7, 5)),
            &[
                EXAMINED,
                &headers,
                "* SEARCH 5 6 7\r\n@ OK x\r\n",
                &first,
                "@ NO not that\r\n",
                &seven,
            ],
            &["[\"5\", \"7\"] lost [6] to 7/9"],
            "from None moved true",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_is_not_committed_ends_the_reading() {
        let headers = format!("{}@ OK x\r\n", header(5, 9, "From: cbp\r\n"));
        let bodies = format!("{}@ OK x\r\n", body(5, "five"));
        let found = "* SEARCH 5\r\n@ OK x\r\n";
        let (seen, ended) =
            reading(Some((7, 5)), &[EXAMINED, &headers, found, &bodies], false).await;
        assert_eq!(seen, ["[\"5\"] lost [] to 7/9"]);
        assert_eq!(ended, "the mails read could not be recorded");
    }

    #[tokio::test(start_paused = true)]
    async fn full_batches_go_ahead_with_the_cursor_as_it_was() {
        let uids: Vec<u32> = (5..=254).collect();
        let headers: String = uids.iter().map(|uid| header(*uid, 9, "From: cbp\r\n")).collect();
        let bodies: String = uids.iter().map(|uid| body(*uid, "x")).collect();
        let examined = EXAMINED.replace("UIDNEXT 9", "UIDNEXT 255");
        let (headers, bodies) = (format!("{headers}@ OK x\r\n"), format!("{bodies}@ OK x\r\n"));
        let (seen, _) = reading(Some((7, 5)), &[&examined, &headers, &bodies], true).await;
        let ends: Vec<&str> = seen.iter().filter_map(|seen| seen.rsplit(' ').next()).collect();
        assert_eq!(ends, ["7/5", "7/255"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_cut_between_two_mails_moves_no_cursor() {
        check(
            Some((7, 5)),
            &[EXAMINED, &header(5, 9, "From: cbp\r\n")],
            &[],
            "the connection ended during FETCH",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_uidnext_is_made_up_for_by_what_is_there() {
        let headers = format!("{}@ OK x\r\n", header(12, 9, "From: shop\r\n"));
        check(
            Some((7, 5)),
            &[
                "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n@ OK x\r\n",
                "* SEARCH 3 12\r\n@ OK x\r\n",
                &headers,
                "* SEARCH 12\r\n@ OK x\r\n",
            ],
            &["[] lost [] to 7/13"],
            "from None moved true",
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_uidnext_a_mail_that_took_another_s_uid_is_read() {
        let headers = [2, 3, 4].map(|uid| header(uid, 9, "From: cbp\r\n")).concat();
        let headers = format!("{headers}@ OK x\r\n");
        check(
            Some((7, 5)),
            &[
                "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n@ OK x\r\n",
                "* SEARCH 3\r\n@ OK x\r\n",
                &headers,
                &format!("{}@ OK x\r\n", body(3, "three")),
            ],
            &["[\"3\"] lost [] to 7/5"],
            "from None moved false",
        )
        .await;
    }
}
