//! WhatsApp's interactive messages: a button with a link, a list, cards side by side, reply buttons.
//!
//! Two notes of the documents say less than their syntax shows; the syntax is taken: a footer and the body of a card
//! may be left out, but where they are, they have a text.

use super::cards;
use super::files;
use super::node::Node;
use super::violation::{Fault, Flaw};

/// The most characters of a body: of a list, and of the other kinds.
const LIST_BODY: usize = 4096;
const BODY: usize = 1024;
/// The most characters of a footer, and of a header where the documents say so: of reply buttons they do not.
const MARGIN: usize = 60;
/// The most characters of a button's label.
const LABEL: usize = 20;
/// The most characters of the id of a reply, and of a row of a list.
const REPLY_ID: usize = 256;
const ROW_ID: usize = 200;
/// The most characters of a title in a list, and of the description of a row.
const TITLE: usize = 24;
const DESCRIPTION: usize = 72;
/// The most rows of a list, in all of its sections.
const ROWS: usize = 10;
/// The most characters and line breaks of the body of a card.
const CARD_BODY: usize = 160;
const CARD_BREAKS: usize = 2;

/// Judges an interactive message.
pub(super) fn judge(message: &Node<'_, '_>) -> Result<(), Fault> {
    match message.word("type", &["cta_url", "list", "carousel", "button"])? {
        "cta_url" => cta_url(message),
        "list" => list(message),
        "carousel" => carousel(message),
        _ => buttons(message),
    }
}

fn cta_url(message: &Node<'_, '_>) -> Result<(), Fault> {
    if let Some(header) = message.get("header") {
        match header.word("type", &["text", "image", "video", "document"])? {
            "text" => header.need("text")?.text_of(MARGIN).map(drop)?,
            kind => files::linked(&header.need(kind)?, files::of_whatsapp(kind))?,
        }
    }
    body(message, BODY)?;
    footer(message)?;
    link_button(&message.need("action")?)
}

fn list(message: &Node<'_, '_>) -> Result<(), Fault> {
    if let Some(header) = message.get("header") {
        header.word("type", &["text"])?;
        header.need("text")?.text_of(MARGIN)?;
    }
    body(message, LIST_BODY)?;
    footer(message)?;
    let action = message.need("action")?;
    action.need("button")?.text_of(LABEL)?;
    let sections = action.need("sections")?;
    let mut ids = [""; ROWS];
    let mut rows = 0;
    for section in sections.items(1..=10)? {
        section.need("title")?.text_of(TITLE)?;
        for row in section.need("rows")?.items(1..=usize::MAX)? {
            let id = row.need("id")?;
            let text = id.text_of(ROW_ID)?;
            if ids.contains(&text) {
                return Err(id.fault(Flaw::Value, "must tell its row from the others"));
            }
            *ids.get_mut(rows).ok_or_else(|| {
                sections.fault(Flaw::Count, format_args!("must not have more than {ROWS} rows in all"))
            })? = text;
            rows += 1;
            row.need("title")?.text_of(TITLE)?;
            row.optional_text("description", DESCRIPTION)?;
        }
    }
    Ok(())
}

fn carousel(message: &Node<'_, '_>) -> Result<(), Fault> {
    body(message, BODY)?;
    let action = message.need("action")?;
    for (holder, keys) in
        [(message, &["header", "footer"][..]), (&action, &["name", "parameters", "button", "buttons", "sections"])]
    {
        for key in keys {
            if let Some(part) = holder.get(key) {
                return Err(part.fault(Flaw::Value, "must not be there: a carousel has it in its cards only"));
            }
        }
    }
    let cards = action.need("cards")?;
    let cards = cards.items(2..=10)?;
    let (count, mut taken, mut first) = (cards.len(), 0, None);
    for card in cards {
        cards::place(&card, count, &mut taken)?;
        card.word("type", &["cta_url"])?;
        let header = card.need("header")?;
        let kind = header.word("type", &["image", "video"])?;
        files::linked(&header.need(kind)?, files::of_whatsapp(kind))?;
        if let Some(body) = card.get("body") {
            let text = body.need("text")?;
            let breaks = text.text_of(CARD_BODY)?.matches('\n').count();
            if breaks > CARD_BREAKS {
                return Err(text.fault(Flaw::Value, format_args!("must not have more than {CARD_BREAKS} line breaks")));
            }
        }
        let action = card.need("action")?;
        let buttons = card_buttons(&action)?;
        if *first.get_or_insert(buttons) != buttons {
            return Err(action.fault(Flaw::Value, "must have the same kind and number of buttons as the other cards"));
        }
    }
    Ok(())
}

/// How many quick replies a card has; none if it has a link.
fn card_buttons(action: &Node<'_, '_>) -> Result<usize, Fault> {
    let Some(buttons) = action.get("buttons") else { return link_button(action).map(|()| 0) };
    if action.get("name").or(action.get("parameters")).is_some() {
        return Err(action.fault(Flaw::Value, "must have a link or quick replies, not both"));
    }
    let buttons = buttons.items(1..=usize::MAX)?;
    let count = buttons.len();
    for button in buttons {
        button.word("type", &["quick_reply"])?;
        let reply = button.need("quick_reply")?;
        reply.need("id")?.text_of(REPLY_ID)?;
        reply.need("title")?.text_of(LABEL)?;
    }
    Ok(count)
}

fn buttons(message: &Node<'_, '_>) -> Result<(), Fault> {
    if let Some(header) = message.get("header") {
        match header.word("type", &["document", "image", "text", "video"])? {
            "text" => header.need("text")?.text().map(drop)?,
            kind => files::linked_or_uploaded(&header.need(kind)?, files::of_whatsapp(kind))?,
        }
    }
    body(message, BODY)?;
    footer(message)?;
    let (mut ids, mut titles) = ([""; 3], [""; 3]);
    for (place, button) in message.need("action")?.need("buttons")?.items(1..=3)?.enumerate() {
        button.word("type", &["reply"])?;
        let reply = button.need("reply")?;
        for (key, most, others) in [("id", REPLY_ID, &mut ids), ("title", LABEL, &mut titles)] {
            let node = reply.need(key)?;
            let text = node.text_of(most)?;
            if others.contains(&text) {
                return Err(node.fault(Flaw::Value, "must not be that of another button"));
            }
            others[place] = text;
        }
    }
    Ok(())
}

fn body(message: &Node<'_, '_>, most: usize) -> Result<(), Fault> {
    message.need("body")?.need("text")?.text_of(most).map(drop)
}

fn footer(message: &Node<'_, '_>) -> Result<(), Fault> {
    match message.get("footer") {
        Some(footer) => footer.need("text")?.text_of(MARGIN).map(drop),
        None => Ok(()),
    }
}

/// One button that opens a web address.
fn link_button(action: &Node<'_, '_>) -> Result<(), Fault> {
    action.word("name", &["cta_url"])?;
    let parameters = action.need("parameters")?;
    parameters.need("display_text")?.text_of(LABEL)?;
    files::web_address(&parameters.need("url")?).map(drop)
}
