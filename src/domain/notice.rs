//! A notice on a screen: what it is known by, and how much it may disturb.

use std::collections::BTreeMap;

use super::alert::{Alert, AlertKind, Urgency};

/// What a notice on a screen is known by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct NoticeId {
    /// The server that shows it: its bus, and its name there. A server that was started anew has
    /// another name.
    pub server: String,
    /// The server's id for it.
    pub id: u32,
}

/// The kinds whose urgency the user chose; `None` is for kinds that the desktop is not to show.
pub type Urgencies = BTreeMap<AlertKind, Option<Urgency>>;

/// How much a notice of this alert may disturb: where a refund is lost soon, as much as can be, unless
/// the user wants none of its kind. `None` where the desktop is not to show it.
pub fn urgency_of(alert: &Alert, chosen: &Urgencies) -> Option<Urgency> {
    match chosen.get(&alert.kind) {
        Some(Some(chosen)) if !alert.is_pressing => Some(*chosen),
        Some(None) => None,
        _ => Some(alert.urgency()),
    }
}

/// The same for ways to a person that choose their kinds by themselves.
pub fn urgency_elsewhere(alert: &Alert, chosen: &Urgencies) -> Urgency {
    urgency_of(alert, chosen).unwrap_or(alert.urgency())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: AlertKind, chosen: Option<Option<Urgency>>, expected: Option<Urgency>) {
        let alert = Alert {
            key: String::new(),
            kind,
            application: None,
            title: String::new(),
            body: String::new(),
            is_pressing: false,
        };
        let chosen = chosen.map(|urgency| (kind, urgency)).into_iter().collect();
        assert_eq!(urgency_of(&alert, &chosen), expected, "{kind:?} {chosen:?}");
        let pressing = Alert { is_pressing: true, ..alert };
        let strongest = expected.map(|_| Urgency::Critical);
        assert_eq!(urgency_of(&pressing, &chosen), strongest, "{kind:?} {chosen:?}");
    }

    #[test]
    fn the_user_s_choice_counts_and_without_one_the_kind_s_own() {
        check(AlertKind::Due, None, Some(Urgency::Low));
        check(AlertKind::Overdue, None, Some(Urgency::Normal));
        check(AlertKind::Rejection, None, Some(Urgency::Critical));
        check(AlertKind::Due, Some(Some(Urgency::Critical)), Some(Urgency::Critical));
        check(AlertKind::Overdue, Some(None), None);
    }
}
