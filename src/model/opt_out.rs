//! Which replies opt out, and which may: the lists of words and buttons.

use std::collections::HashSet;

use super::Reply;
use crate::text::folded;

/// The words and buttons that mean an opt-out.
#[derive(Clone, Debug)]
pub struct OptOut {
    /// In the form that [`folded`] returns.
    words: HashSet<String>,
    buttons: HashSet<String>,
    signs: Vec<Sign>,
}

/// What a reply says about opting out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptOutMatch {
    /// It opts out, with this word or button.
    Exact(String),
    /// It may ask for an opt-out: a person has to decide.
    Possible,
}

/// A word or phrase that makes a short text a possible opt-out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sign {
    /// In the form that [`Words::text`] has; with spaces around it if it must be a whole word.
    words: String,
    /// Maximum number of words of such a text.
    max_words: usize,
}

/// Maximum number of words of a possible opt-out.
const MAX_WORDS: usize = 8;
/// The same for words that people also use otherwise, and for words of the user's own list.
const MAX_WORDS_EVERYDAY: usize = 3;

impl OptOut {
    /// Returns these lists, with the default for each that is `None`. A word matches a whole text reply, or the label
    /// or id of a button or list row; `buttons` match only labels and ids. Letter case, surrounding punctuation and
    /// Unicode normal form do not matter. Of the default words, `ANSWERS` match only texts.
    #[must_use]
    pub fn new(words: Option<Vec<String>>, buttons: Option<Vec<String>>) -> Self {
        let fold = |list: &[&str]| list.iter().map(|word| folded(word)).collect::<Vec<_>>();
        let own = |list: Vec<String>| list.iter().map(|word| folded(word)).collect::<Vec<_>>();
        let usual = [WORDS, EVERYDAY, ALONE].map(fold).concat();
        let mut buttons: HashSet<String> = buttons.map_or_else(|| fold(BUTTONS), own).into_iter().collect();
        buttons.extend(words.as_ref().map_or(usual.clone(), |words| own(words.clone())));
        let words = words.map_or_else(|| [usual, fold(ANSWERS)].concat(), own);

        let mut signs: Vec<Sign> = [WORDS, PHRASES].concat().iter().map(|sign| Sign::new(sign, MAX_WORDS)).collect();
        for negation in NEGATIONS {
            signs.extend(VERBS.iter().map(|verb| Sign::new(&format!("{negation} {verb}"), MAX_WORDS)));
        }
        for word in words.iter().filter(|word| !ALONE.contains(&word.as_str())) {
            if !fold(WORDS).contains(word) {
                signs.push(Sign::new(word, MAX_WORDS_EVERYDAY));
            }
        }
        // Punctuation alone is not a word.
        signs.retain(|sign| !sign.words.trim().is_empty());
        let mut words: HashSet<String> = words.into_iter().collect();
        words.remove("");
        buttons.remove("");
        Self { words, buttons, signs }
    }

    /// Returns what this reply says about opting out, if anything. Only a text can be a possible opt-out.
    #[must_use]
    pub fn matches(&self, reply: &Reply) -> Option<OptOutMatch> {
        if reply.stops_marketing() {
            return Some(OptOutMatch::Exact(Reply::STOP_MARKETING.to_owned()));
        }
        let Reply { title, choice, text, .. } = reply;
        let said = [(&self.buttons, title), (&self.buttons, choice), (&self.words, text)];
        let exact = said.into_iter().find_map(|(list, said)| list.get(&folded(said.as_deref()?)));
        match exact {
            Some(word) => Some(OptOutMatch::Exact(word.clone())),
            None => self.may_be_in(text.as_deref()?).then_some(OptOutMatch::Possible),
        }
    }

    /// Whether a text is short and contains a word or phrase that may ask for an opt-out.
    fn may_be_in(&self, text: &str) -> bool {
        let Words { text, count } = Words::of(text);
        let contains = |sign: &Sign| count <= sign.max_words && text.contains(&sign.words);
        count <= MAX_WORDS && self.signs.iter().any(contains)
    }
}

impl Sign {
    fn new(words: &str, max_words: usize) -> Self {
        let words = Words::of(words).text;
        let inner = words.trim();
        let words = if inner.starts_with(has_no_spaces) { inner.to_owned() } else { words };
        Self { words, max_words }
    }
}

/// The words of a text.
struct Words {
    /// The folded words, each with a space before and after it. A hyphen within a word is part of it; an apostrophe is
    /// left out.
    text: String,
    /// The number of words. In scripts without spaces between words, three characters count as one.
    count: usize,
}

impl Words {
    fn of(text: &str) -> Self {
        let folded = folded(text);
        let mut words = String::from(" ");
        let mut spaced = 0;
        let mut unspaced: usize = 0;
        let mut chars = folded.chars().peekable();
        let mut last = ' ';
        while let Some(c) = chars.next() {
            match c {
                '\'' | '’' | 'ʼ' | '`' => continue,
                '-' if chars.peek().is_some_and(|c| c.is_alphanumeric()) && last.is_alphanumeric() => words.push(c),
                c if c.is_alphanumeric() => {
                    let starts = !(last.is_alphanumeric() || last == '-');
                    if has_no_spaces(c) {
                        unspaced += 1;
                        if !starts && !has_no_spaces(last) {
                            words.push(' ');
                        }
                    } else if starts || has_no_spaces(last) {
                        spaced += 1;
                        if !starts {
                            words.push(' ');
                        }
                    }
                    words.push(c);
                }
                _ if words.ends_with(' ') => {}
                _ => words.push(' '),
            }
            last = c;
        }
        if !words.ends_with(' ') {
            words.push(' ');
        }
        Self { text: words, count: spaced + unspaced.div_ceil(3) }
    }
}

/// Whether a character belongs to a script that does not separate words by spaces, or in which a stop word may be part
/// of a longer one: Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer.
fn has_no_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The words that mean an opt-out in every campaign, and that people hardly use otherwise.
const WORDS: &[&str] = &[
    // Of the FCC's list; the others are in `ANSWERS`.
    "stop",
    "opt out",
    "unsubscribe",
    "stop all",
    "stopall",
    "opt-out",
    "optout",
    "remove me",
    // Chinese
    "退订",
    "退訂",
    "取消订阅",
    "取消訂閱",
    "停止",
    "拒收",
    // Japanese, Korean
    "配信停止",
    "수신거부",
    "구독취소",
    // Malay, Indonesian, Filipino, Thai, Vietnamese
    "berhenti",
    "henti",
    "itigil",
    "หยุด",
    "ยกเลิกการรับข่าวสาร",
    "dừng",
    // Hindi, Arabic, Hebrew, Turkish
    "रोकें",
    "إيقاف",
    "ايقاف",
    "إلغاء الاشتراك",
    "הסר",
    "abonelikten çık",
    // Spanish, Portuguese, French, Italian
    "dar de baja",
    "darme de baja",
    "descadastrar",
    "désabonner",
    "desabonner",
    "disiscrivimi",
    // German, Dutch, Polish, Russian
    "stopp",
    "abmelden",
    "afmelden",
    "wypisz",
    "стоп",
];

/// The same, but people also use them otherwise.
const EVERYDAY: &[&str] = &["từ chối", "dur", "baja", "parar", "sair", "arrêt", "arret"];

/// The usual opt-out word in Chinese SMS. In other texts it is short for something else.
const ALONE: &[&str] = &["td"];

/// The rest of the words by which, under 47 CFR 64.1200(a)(10) of the FCC, a text reply revokes consent. On a button
/// they may answer a question, so they do not count there.
const ANSWERS: &[&str] = &["quit", "end", "revoke", "cancel"];

/// The labels or payloads of opt-out buttons in WhatsApp's own templates.
const BUTTONS: &[&str] = &["stop promotions", "stop marketing", "opt_out", "opt_out_marketing"];

/// Each of these followed by each of [`VERBS`] is a phrase that may ask for an opt-out.
const NEGATIONS: &[&str] = &["don't", "do not", "never"];
const VERBS: &[&str] =
    &["message", "text", "contact", "send", "write", "call", "spam", "bother", "disturb", "whatsapp"];

/// The other phrases without a stop word that may ask for an opt-out.
const PHRASES: &[&str] = &[
    "no more messages",
    "no more texts",
    "no more sms",
    "no more spam",
    "no more ads",
    "no more offers",
    "no more promotions",
    "don't want any more",
    "don't want these messages",
    "don't want your messages",
    "don't want to receive",
    "do not want to receive",
    "do not wish to receive",
    "no longer wish to receive",
    "no longer want",
    "leave me alone",
    "take me off",
    "off your list",
    "off the list",
    "opt me out",
    "delete my number",
    "remove my number",
    "lose my number",
    "quit texting",
    "quit messaging",
    "quit sending",
    "quit contacting",
    "cancel my subscription",
    "revoke my consent",
    "withdraw my consent",
    // German, Dutch
    "keine nachrichten",
    "keine werbung",
    "nicht mehr schreiben",
    "nicht mehr anschreiben",
    "nicht mehr kontaktieren",
    "lass mich in ruhe",
    "lassen sie mich in ruhe",
    "geen berichten",
    // Spanish, Portuguese
    "no más",
    "no mas",
    "no me escriban",
    "no me envíen",
    "no me envien",
    "no me manden",
    "no quiero más",
    "no quiero mas",
    "no quiero recibir",
    "não quero mais",
    "nao quero mais",
    "não quero receber",
    "nao quero receber",
    "não me mande",
    "nao me mande",
    // French, Italian
    "plus de messages",
    "plus recevoir",
    "me désinscrire",
    "non voglio più",
    "non scrivetemi",
    // Indonesian, Malay
    "jangan kirim",
    "jangan hubungi",
    "jangan hantar",
    // Chinese, Japanese
    "不要再发",
    "不要再發",
    "别再发",
    "別再發",
    "不要发",
    "不要發",
    "不想收到",
    "不要打扰",
    "不要打擾",
    "送らないで",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Millis, Phone};

    fn wrote(text: &str) -> Reply {
        Reply {
            id: "m".into(),
            from: Phone::from_digits("85268411234"),
            at: Millis(1),
            kind: "text".into(),
            text: Some(text.into()),
            ..Reply::default()
        }
    }

    fn tapped(choice: &str, title: &str) -> Reply {
        Reply {
            kind: "button_reply".into(),
            choice: Some(choice.into()),
            title: Some(title.into()),
            text: None,
            ..wrote("")
        }
    }

    fn exact(word: &str) -> Option<OptOutMatch> {
        Some(OptOutMatch::Exact(word.to_owned()))
    }

    #[test]
    fn the_whole_text_counts_whatever_its_capitals_signs_and_encoding() {
        let list = OptOut::new(None, None);
        for (text, word) in [
            ("STOP", "stop"),
            (" stop. ", "stop"),
            ("\"Stop!\"", "stop"),
            ("ＳＴＯＰ", "stop"),
            ("stop 🛑", "stop"),
            ("¡BAJA!", "baja"),
            ("ARRÊT", "arrêt"),
            ("arre\u{302}t", "arrêt"),
            ("ABONELİKTEN ÇIK", "abonelikten çik"),
            ("退订。", "退订"),
            ("TD", "td"),
            ("Opt-Out", "opt-out"),
            ("remove   me", "remove me"),
            ("СТОП", "стоп"),
        ] {
            assert_eq!(list.matches(&wrote(text)), exact(word), "{text}");
        }
        for text in ["", "...", "no", "ok", "stopwatch", "yes please"] {
            assert_eq!(list.matches(&wrote(text)), None, "{text}");
        }
    }

    #[test]
    fn every_word_of_the_fcc_opts_out_as_a_text() {
        let list = OptOut::new(None, None);
        for word in ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"] {
            let said = [word.to_owned(), word.to_uppercase(), format!("  \"{word}.\"\n")];
            assert!(said.iter().all(|text| list.matches(&wrote(text)) == exact(word)), "{word}");
        }
    }

    #[test]
    fn a_button_counts_by_its_id_or_by_what_it_says() {
        let list = OptOut::new(None, None);
        assert_eq!(list.matches(&tapped("btn-3", "Stop promotions")), exact("stop promotions"));
        assert_eq!(list.matches(&tapped("OPT_OUT", "No more of this")), exact("opt_out"));
        assert_eq!(list.matches(&tapped("unsubscribe", "Bye")), exact("unsubscribe"));
        assert_eq!(list.matches(&tapped("change-button", "Change")), None);
        for answer in ["Cancel", "End", "Quit", "Revoke"] {
            assert_eq!(list.matches(&tapped(answer, answer)), None, "it may answer the message's question");
        }
        assert_eq!(list.matches(&tapped("x", "Please stop")), None, "a person reads texts only");
        assert_eq!(list.matches(&wrote("stop promotions")), Some(OptOutMatch::Possible), "only a button says this");
    }

    #[test]
    fn a_short_text_with_a_stop_word_or_a_known_phrase_may_be_an_opt_out() {
        let list = OptOut::new(None, None);
        for text in [
            "please stop",
            "Stop. Thank you",
            "stop sending me this",
            "don't message me any more",
            "Don’t text me",
            "dont contact me again",
            "DO NOT WRITE TO ME!",
            "Please STOP sending me these messages, thank you",
            "Pls unsubscribe me",
            "I want to opt out",
            "opt-out please",
            "Please remove me from your list",
            "take me off this list",
            "no more messages please",
            "leave me alone",
            "I don't want to receive this",
            "please cancel",
            "Cancel. Thanks",
            "end this please",
            "quit it",
            "please quit texting me",
            "I revoke my consent to these messages",
            "請停止發送訊息給我",
            "请不要再发了",
            "もう送らないでください",
            "กรุณาหยุดส่งข้อความ",
            "수신거부해주세요",
            "请stop",
            "Bitte keine Nachrichten mehr",
            "bitte stopp",
            "No me escriban más",
            "quiero darme de baja",
            "por favor parar",
            "não quero mais receber",
            "merci de me désabonner",
            "ne plus recevoir de messages",
            "jangan kirim lagi",
            "стоп пожалуйста",
        ] {
            assert_eq!(list.matches(&wrote(text)), Some(OptOutMatch::Possible), "{text}");
        }
    }

    #[test]
    fn a_long_text_or_one_with_an_everyday_word_is_not() {
        let list = OptOut::new(None, None);
        for text in [
            "when does the sale end?",
            "Can I cancel my order and get a refund",
            "please cancel my order",
            "until the end of May",
            "I would like to cancel the appointment on Friday, can you call me back",
            "I could not find the shop, it says you stop serving at noon on weekends",
            "does the bus from the airport stop anywhere near your new shop",
            "spending the weekend at the seaside",
            "recancelled",
            "nonstop",
            "a non-stop party",
            "td bem",
            "o preço é de baja qualidade",
            "posso sair mais cedo hoje",
            "l'arrêt de bus",
            "Send me more",
            "I want to receive the brochure",
            "message me tomorrow",
            "I don't understand your message",
            "do you have a list?",
            "我想了解一下你们的服务什么时候开始什么时候停止因为我下个月要去旅行",
            "hello",
            "",
            "🛑",
        ] {
            assert_eq!(list.matches(&wrote(text)), None, "{text}");
        }
    }

    #[test]
    fn a_list_of_ones_own_is_the_whole_list() {
        let list = OptOut::new(Some(vec!["Genug".to_owned()]), Some(vec!["bye".to_owned()]));
        let is_exact = |reply: &Reply| matches!(list.matches(reply), Some(OptOutMatch::Exact(_)));
        assert!(is_exact(&wrote("genug")) && is_exact(&tapped("bye", "Tschüss")) && is_exact(&tapped("x", "Genug!")));
        assert!(!is_exact(&wrote("stop")) && !is_exact(&wrote("bye")) && !is_exact(&tapped("stop", "Stop")));
        let none = OptOut::new(Some(vec!["!".to_owned()]), None);
        for text in ["?", "!", "hello"] {
            assert_eq!(none.matches(&wrote(text)), None, "punctuation alone is no word");
        }
    }

    #[test]
    fn the_documents_list_every_word_and_phrase() {
        let page = include_str!("../../docs/webhooks.md").split_whitespace().collect::<Vec<_>>().join(" ");
        for word in [WORDS, EVERYDAY, ALONE, ANSWERS, BUTTONS, NEGATIONS, VERBS, PHRASES].concat() {
            let [quoted, bare] = [format!("`{word}`"), format!(" {word}")];
            assert!(page.contains(&quoted) || (!word.is_ascii() && page.contains(&bare)), "{word}");
        }
    }

    #[test]
    fn with_a_list_of_ones_own_the_words_left_out_are_read_by_a_person_unless_they_are_everyday_ones() {
        let list = OptOut::new(Some(vec!["Genug".to_owned(), "cancel".to_owned()]), None);
        for text in ["stop", "unsubscribe", "jetzt genug bitte", "please cancel"] {
            assert_eq!(list.matches(&wrote(text)), Some(OptOutMatch::Possible), "{text}");
        }
        for text in ["end", "please quit", "baja", "td", "haben Sie genug Plätze"] {
            assert_eq!(list.matches(&wrote(text)), None, "{text}");
        }
        assert_eq!(list.matches(&tapped("cancel", "No")), exact("cancel"), "an own word counts on a button");
    }
}
