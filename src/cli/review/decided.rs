//! What people decided about mails, by whom and why.

use serde_json::{Value, json};

use super::super::Context;
use super::super::failure::Failure;
use super::super::render::{self, Cell, Masking, rfc3339};
use crate::app::App;
use crate::domain::application::ApplicationId;
use crate::store::decision::{self, Decision};
use crate::store::query;

/// So many decisions are listed unless all are asked for.
const SHOWN: usize = 20;

/// Lists the decisions, the last first.
pub(super) fn run(cx: &Context, as_json: bool, all: bool) -> Result<(), Failure> {
    let app = cx.app_to_look()?;
    let masking = &cx.masking(&app)?;
    let most = (!all && !as_json).then_some(SHOWN);
    let decisions = decision::all(app.store.read(), most)?;
    if as_json {
        let list: Vec<Value> = decisions.iter().map(|d| decision_json(d, masking)).collect();
        return render::print_json(&json!({
            "schema": "acewatch.decisions/1",
            "count": list.len(),
            "decisions": list,
        }));
    }
    if decisions.is_empty() {
        return render::print("nothing was decided yet\n");
    }
    let header = ["WHEN", "WHO", "MAIL", "DECISION", "SUBJECT", "WHY"];
    let mut rows = vec![header.map(|name| Cell::styled(name, render::FAINT))];
    for one in &decisions {
        let subject = query::message(app.store.read(), one.message)?.map(|mail| mail.subject);
        rows.push([
            Cell::plain(render::moment(one.at, &app.settings.time_zone)),
            Cell::plain(render::shortened(&masking.text(&one.who), 12)),
            Cell::right(one.message.to_string()),
            Cell::plain(render::shortened(&told(&app, one, masking)?, 30)),
            Cell::plain(render::shortened(&masking.text(&subject.unwrap_or_default()), 32)),
            Cell::plain(masking.text(&one.why)),
        ]);
    }
    let mut text = render::table(&rows);
    if decisions.len() == SHOWN && most.is_some() {
        text.push_str("  … earlier ones: `acewatch review --decided --all`\n");
    }
    render::print(&text)
}

/// The decisions about one mail, a line each.
pub(super) fn history(app: &App, message: i64, masking: &Masking) -> Result<String, Failure> {
    let mut text = String::new();
    for one in decision::of_message(app.store.read(), message)? {
        let why = if one.why.is_empty() { "" } else { ": " };
        text.push_str(&format!(
            "  {}  {} by {}{why}{}\n",
            render::moment(one.at, &app.settings.time_zone),
            told(app, &one, masking)?,
            masking.text(&one.who),
            masking.text(&one.why),
        ));
    }
    Ok(text)
}

pub(super) fn decision_json(one: &Decision, masking: &Masking) -> Value {
    json!({
        "decision": one.id,
        "batch": one.batch,
        "at": rfc3339(one.at),
        "who": one.who,
        "message": one.message,
        "what": one.what,
        "applications": one.applications.iter().map(|ApplicationId(id)| *id).collect::<Vec<_>>(),
        "why": masking.plain(&one.why),
    })
}

fn told(app: &App, one: &Decision, masking: &Masking) -> Result<String, Failure> {
    let what = match one.what.as_str() {
        "accepted" => "recorded",
        "undone" => "taken back",
        "alias_forgotten" => "learnt name forgotten",
        other => other,
    };
    let mut companies = Vec::new();
    for id in &one.applications {
        if let Some(summary) = query::summary_of(app.store.read(), *id)? {
            companies.push(masking.text(&summary.application.company));
        }
    }
    Ok(match companies.is_empty() {
        true => what.to_owned(),
        false => format!("{what} for {}", companies.join(", ")),
    })
}
