//! WhatsApp's interactive messages: a button with a link, a list, a carousel, and reply buttons.
//!
//! In two places the notes in the documents contradict the syntax. The syntax applies here: a footer and the body of a
//! card are optional, but need a text if present.

use super::cards;
use super::files::{self, whatsapp_extensions};
use super::node::JsonNode;
use super::violation::{Violation, ViolationKind};

// Most characters of each text.
const MAX_BODY: usize = 1024;
const MAX_LIST_BODY: usize = 4096;
const MAX_CARD_BODY: usize = 160;
const MAX_FOOTER: usize = 60;
/// The documents give no limit for the header of reply buttons.
const MAX_HEADER: usize = 60;
const MAX_LABEL: usize = 20;
const MAX_REPLY_ID: usize = 256;
const MAX_ROW_ID: usize = 200;
/// The title of a section or row of a list.
const MAX_TITLE: usize = 24;
const MAX_DESCRIPTION: usize = 72;

/// Most rows in all sections of a list together.
const MAX_ROWS: usize = 10;
const MAX_CARD_LINE_BREAKS: usize = 2;

/// Checks an interactive message.
pub(super) fn validate(message: &JsonNode<'_, '_>) -> Result<(), Violation> {
    match message.word("type", &["cta_url", "list", "carousel", "button"])? {
        "cta_url" => cta_url(message),
        "list" => list(message),
        "carousel" => carousel(message),
        _ => reply_buttons(message),
    }
}

fn cta_url(message: &JsonNode<'_, '_>) -> Result<(), Violation> {
    if let Some(header) = message.get("header") {
        match header.word("type", &["text", "image", "video", "document"])? {
            "text" => header.require("text")?.text_up_to(MAX_HEADER).map(drop)?,
            kind => files::linked(&header.require(kind)?, whatsapp_extensions(kind))?,
        }
    }
    body(message, MAX_BODY)?;
    footer(message)?;
    link_button(&message.require("action")?)
}

fn list(message: &JsonNode<'_, '_>) -> Result<(), Violation> {
    if let Some(header) = message.get("header") {
        header.word("type", &["text"])?;
        header.require("text")?.text_up_to(MAX_HEADER)?;
    }
    body(message, MAX_LIST_BODY)?;
    footer(message)?;
    let action = message.require("action")?;
    action.require("button")?.text_up_to(MAX_LABEL)?;
    let sections = action.require("sections")?;
    let mut ids = [""; MAX_ROWS];
    let mut rows = 0;
    for section in sections.items(1..=10)? {
        section.require("title")?.text_up_to(MAX_TITLE)?;
        for row in section.require("rows")?.items(1..=usize::MAX)? {
            let node = row.require("id")?;
            let id = node.text_up_to(MAX_ROW_ID)?;
            node.check(!ids.contains(&id), ViolationKind::Value, "must differ from the ids of the other rows")?;
            *ids.get_mut(rows).ok_or_else(|| {
                sections
                    .violation(ViolationKind::Count, format_args!("must not have more than {MAX_ROWS} rows in total"))
            })? = id;
            rows += 1;
            row.require("title")?.text_up_to(MAX_TITLE)?;
            row.optional_text("description", MAX_DESCRIPTION)?;
        }
    }
    Ok(())
}

fn carousel(message: &JsonNode<'_, '_>) -> Result<(), Violation> {
    body(message, MAX_BODY)?;
    let action = message.require("action")?;
    for (holder, keys) in
        [(message, &["header", "footer"][..]), (&action, &["name", "parameters", "button", "buttons", "sections"])]
    {
        if let Some(part) = keys.iter().find_map(|key| holder.get(key)) {
            let must = "must be absent: only the cards of a carousel have it";
            return Err(part.violation(ViolationKind::Value, must));
        }
    }
    let cards = action.require("cards")?;
    let cards = cards.items(2..=10)?;
    let (count, mut taken, mut first) = (cards.len(), 0, None);
    for card in cards {
        cards::take_index(&card, count, &mut taken)?;
        card.word("type", &["cta_url"])?;
        let header = card.require("header")?;
        let kind = header.word("type", &["image", "video"])?;
        files::linked(&header.require(kind)?, whatsapp_extensions(kind))?;
        if let Some(body) = card.get("body") {
            let text = body.require("text")?;
            let line_breaks = text.text_up_to(MAX_CARD_BODY)?.matches('\n').count();
            let must = format_args!("must not have more than {MAX_CARD_LINE_BREAKS} line breaks");
            text.check(line_breaks <= MAX_CARD_LINE_BREAKS, ViolationKind::Value, must)?;
        }
        let action = card.require("action")?;
        let quick_replies = card_quick_replies(&action)?;
        let is_alike = *first.get_or_insert(quick_replies) == quick_replies;
        action.check(
            is_alike,
            ViolationKind::Value,
            "must have the same kind and number of buttons as the other cards",
        )?;
    }
    Ok(())
}

/// Checks the buttons of a card and returns its number of quick replies, which is 0 for a card with a link.
fn card_quick_replies(action: &JsonNode<'_, '_>) -> Result<usize, Violation> {
    let Some(buttons) = action.get("buttons") else { return link_button(action).map(|()| 0) };
    let has_link = action.get("name").or(action.get("parameters")).is_some();
    action.check(!has_link, ViolationKind::Value, "must have a link or quick replies, not both")?;
    let buttons = buttons.items(1..=usize::MAX)?;
    let count = buttons.len();
    for button in buttons {
        button.word("type", &["quick_reply"])?;
        let reply = button.require("quick_reply")?;
        reply.require("id")?.text_up_to(MAX_REPLY_ID)?;
        reply.require("title")?.text_up_to(MAX_LABEL)?;
    }
    Ok(count)
}

fn reply_buttons(message: &JsonNode<'_, '_>) -> Result<(), Violation> {
    if let Some(header) = message.get("header") {
        match header.word("type", &["document", "image", "text", "video"])? {
            "text" => header.require("text")?.text().map(drop)?,
            kind => files::linked_or_uploaded(&header.require(kind)?, whatsapp_extensions(kind))?,
        }
    }
    body(message, MAX_BODY)?;
    footer(message)?;
    let (mut ids, mut titles) = ([""; 3], [""; 3]);
    for (index, button) in message.require("action")?.require("buttons")?.items(1..=3)?.enumerate() {
        button.word("type", &["reply"])?;
        let reply = button.require("reply")?;
        for (key, max, others) in [("id", MAX_REPLY_ID, &mut ids), ("title", MAX_LABEL, &mut titles)] {
            let node = reply.require(key)?;
            let text = node.text_up_to(max)?;
            node.check(!others.contains(&text), ViolationKind::Value, "must differ from that of every other button")?;
            others[index] = text;
        }
    }
    Ok(())
}

fn body(message: &JsonNode<'_, '_>, max: usize) -> Result<(), Violation> {
    message.require("body")?.require("text")?.text_up_to(max).map(drop)
}

fn footer(message: &JsonNode<'_, '_>) -> Result<(), Violation> {
    match message.get("footer") {
        Some(footer) => footer.require("text")?.text_up_to(MAX_FOOTER).map(drop),
        None => Ok(()),
    }
}

/// Checks the button that opens a web address.
fn link_button(action: &JsonNode<'_, '_>) -> Result<(), Violation> {
    action.word("name", &["cta_url"])?;
    let parameters = action.require("parameters")?;
    parameters.require("display_text")?.text_up_to(MAX_LABEL)?;
    files::web_address(&parameters.require("url")?).map(drop)
}
