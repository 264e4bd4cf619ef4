//! How long an answer may take, per route: the spans after which a window is due and overdue.
//!
//! CBP's automatic confirmation says "3-5 business days"; account holders report one to two
//! weeks until an approval, and that it "can be faster or slower depending on volume". None of
//! it is law, all of it has changed before, and the web forms are handled by other people than
//! the mailbox. Therefore the spans are configuration, one set per route, and only their
//! defaults are here.

use crate::domain::span::{CountUnit, Span};

/// The spans of all routes, as the configuration's `[windows]` has them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Windows {
    /// For applications sent as a PDF by mail.
    pub email: RouteWindows,
    /// For applications through the importer's web form.
    pub web_importer: RouteWindows,
    /// For applications through the general web form.
    pub web_general: RouteWindows,
}

/// The spans of one route, one pair for each of the five windows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteWindows {
    /// From a submission to CBP's automatic receipt, which normally comes within minutes; none
    /// after a business day means that the submission probably never arrived.
    pub acknowledgement: WindowSpans,
    /// From the receipt to the first word that a person or a decision gives.
    pub first_response: WindowSpans,
    /// From the submission to an approval or a rejection.
    pub decision: WindowSpans,
    /// From CBP's request for information to our own answer.
    pub your_answer: WindowSpans,
    /// From the approval to the first log-in, which is ours to do.
    pub activation: WindowSpans,
}

impl Default for RouteWindows {
    fn default() -> Self {
        Self {
            acknowledgement: WindowSpans { due: business(1), overdue: business(3), critical: None },
            first_response: WindowSpans { due: business(3), overdue: business(5), critical: None },
            decision: WindowSpans {
                due: calendar(7),
                overdue: calendar(14),
                critical: Some(calendar(21)),
            },
            your_answer: WindowSpans { due: business(2), overdue: business(5), critical: None },
            activation: WindowSpans { due: calendar(7), overdue: calendar(21), critical: None },
        }
    }
}

/// When one window is due, when overdue, and when silence has become a case for a call.
///
/// The three never decrease and count the same unit; whoever builds one from user input has
/// checked that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WindowSpans {
    /// After this the answer is expected.
    pub due: Span,
    /// After this it is late.
    pub overdue: Span,
    /// After this a further, urgent alert is given; `None` for no such alert.
    pub critical: Option<Span>,
}

const fn business(n: u32) -> Span {
    Span { n, unit: CountUnit::Business }
}

const fn calendar(n: u32) -> Span {
    Span { n, unit: CountUnit::Calendar }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_spans_never_decrease_and_keep_their_unit() {
        let Windows { email, web_importer, web_general } = Windows::default();
        for route in [email, web_importer, web_general] {
            let RouteWindows { acknowledgement, first_response, decision, your_answer, activation } =
                route;
            for spans in [acknowledgement, first_response, decision, your_answer, activation] {
                assert!(spans.due.n < spans.overdue.n, "{spans:?}");
                assert_eq!(spans.due.unit, spans.overdue.unit, "{spans:?}");
                if let Some(critical) = &spans.critical {
                    assert!(spans.overdue.n < critical.n, "{spans:?}");
                    assert_eq!(spans.overdue.unit, critical.unit, "{spans:?}");
                }
            }
        }
    }
}
