//! `acewatch notify-test`: send a test message over the desktop and the channels.

use super::failure::Failure;
use super::{Context, render};
use crate::app::DESKTOP;
use crate::clock;
use crate::config::Settings;
use crate::domain::alert::{Alert, AlertKind, Urgency};
use crate::notify::channel::{Message, Part};
use crate::notify::{Notice, desktop};

/// Send a test message over the desktop and the channels
///
/// Over all of them, or over those named. Nothing is recorded.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `desktop`, or the name of a channel
    #[arg(value_name = "CHANNEL")]
    channels: Vec<String>,
}

/// Sends it.
///
/// # Errors
///
/// A name is unknown, or the message did not arrive everywhere.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let settings = cx.settings()?;
    let names = wanted(&settings, &args.channels)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start").because(error))?;
    let mut failed = 0;
    for name in &names {
        let shown = render::escaped(name);
        match runtime.block_on(send(&settings, name)) {
            Ok(()) => render::print(&format!("{shown}: sent\n"))?,
            Err(error) => {
                failed += 1;
                render::print(&format!("{shown}: {}\n", render::escaped(&error)))?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} of {} did not take the message", names.len()))),
    }
}

/// The ways to try, in the order of the configuration.
fn wanted(settings: &Settings, asked: &[String]) -> Result<Vec<String>, Failure> {
    let mut known = Vec::new();
    if settings.notify.desktop {
        known.push(DESKTOP.to_owned());
    }
    known.extend(settings.channels.iter().map(|channel| channel.name.clone()));
    if let Some(unknown) = asked.iter().find(|name| !known.contains(name)) {
        return Err(Failure::usage(format!("there is no channel {unknown:?}")).hint(
            match known.as_slice() {
                [] => "none is configured, and notices on the desktop are switched off".to_owned(),
                known => format!("known are {}", known.join(", ")),
            },
        ));
    }
    match (asked.is_empty(), known.is_empty()) {
        (_, true) => Err(Failure::usage("the configuration has no desktop and no channel")
            .hint("write `desktop = true` below [notify], or add a [[channel]]")),
        (true, _) => Ok(known),
        (false, _) => Ok(asked.to_vec()),
    }
}

async fn send(settings: &Settings, name: &str) -> Result<(), String> {
    let now = clock::now();
    let title = "acewatch: a test message";
    let body = "If you read this, alerts reach you here.";
    let Some(channel) = settings.channels.iter().find(|channel| channel.name == name) else {
        let notice = Notice {
            key: "test".to_owned(),
            urgency: Urgency::Normal,
            title: title.to_owned(),
            body: body.to_owned(),
            replaces: None,
            buttons: Vec::new(),
        };
        let shown = desktop::show_once(notice, settings.limits.notify_timeout).await;
        return shown.map(drop).map_err(|error| error.to_string());
    };
    let alert = Alert {
        key: format!("test/{}", now.timestamp()),
        kind: AlertKind::Reply,
        application: None,
        title: title.to_owned(),
        body: body.to_owned(),
        is_pressing: false,
    };
    let message = Message {
        key: alert.key.clone(),
        urgency: Urgency::Normal,
        title: title.to_owned(),
        body: body.to_owned(),
        parts: vec![Part { alert, raised_at: now, urgency: Urgency::Normal }],
    };
    channel.carry(&message, now).await.map_err(|error| error.to_string())
}
