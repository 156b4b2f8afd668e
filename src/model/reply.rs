//! Replies of recipients, and the lists of words and buttons that mean an opt-out.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use super::{Millis, Phone};

/// A message from a person to the business.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The provider's id. Two replies with the same id are the same reply.
    pub id: String,
    /// Who sent it, if the provider gives the number.
    pub from: Option<Phone>,
    /// The provider's id of our message that it answers, if given.
    pub answers: Option<String>,
    /// When it was sent.
    pub at: Millis,
    /// `button_reply`, `list_reply`, `button` (of a template), `text`, or another word of the provider.
    pub kind: String,
    /// The id of the button or list row, or the payload of a template's button.
    pub choice: Option<String>,
    /// The label of the button or row.
    pub title: Option<String>,
    /// What the person wrote.
    pub text: Option<String>,
}

impl fmt::Debug for Reply {
    /// Leaves out who sent it and what they wrote, so logs and panics contain nothing personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("kind", &self.kind).field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// The replies to the messages of a run, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replies {
    /// All replies.
    pub total: u64,
    /// Rows with at least one reply.
    pub rows: u64,
    /// Rows that opted out.
    pub opted_out: u64,
    /// Counts by content, the most frequent first.
    pub choices: Vec<Choice>,
}

/// A kind of reply, and how often it came. All free text counts as one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// As [`Reply::kind`].
    pub kind: String,
    /// As [`Reply::choice`].
    pub id: Option<String>,
    /// As [`Reply::title`].
    pub title: Option<String>,
    /// Replies.
    pub replies: u64,
    /// Rows with such a reply.
    pub rows: u64,
}

impl Choice {
    /// Returns the name to display: the label of the button or list row, its id, or the kind of message.
    #[must_use]
    pub fn name(&self) -> &str {
        self.title.as_deref().or(self.id.as_deref()).unwrap_or(&self.kind)
    }
}

/// The words and buttons that mean an opt-out.
#[derive(Clone, Debug)]
pub struct OptOut {
    /// In the form that [`folded`] returns.
    words: HashSet<String>,
    buttons: HashSet<String>,
}

impl OptOut {
    /// Returns these lists, with the default for each that is `None`. A word matches a whole text reply, or the label
    /// or id of a button or list row; `buttons` match only labels and ids. Letter case and surrounding punctuation do
    /// not matter.
    #[must_use]
    pub fn new(words: Option<Vec<String>>, buttons: Option<Vec<String>>) -> Self {
        let list = |own: Option<Vec<String>>, usual: &[&str]| {
            let mut list: HashSet<String> = match own {
                Some(own) => own.iter().map(|word| folded(word)).collect(),
                None => usual.iter().map(|word| folded(word)).collect(),
            };
            // Punctuation alone is not a word.
            list.remove("");
            list
        };
        let (words, mut buttons) = (list(words, WORDS), list(buttons, BUTTONS));
        buttons.extend(words.iter().cloned());
        Self { words, buttons }
    }

    /// Returns the word or button that makes this reply an opt-out, if it is one.
    #[must_use]
    pub fn asked_by(&self, reply: &Reply) -> Option<&str> {
        let Reply { kind, title, choice, text, .. } = reply;
        if kind == MARKETING_CHOICE {
            return (choice.as_deref() == Some(STOP_MARKETING)).then_some(STOP_MARKETING);
        }
        let said = [(&self.buttons, title), (&self.buttons, choice), (&self.words, text)];
        said.into_iter().find_map(|(list, said)| list.get(&folded(said.as_deref()?))).map(String::as_str)
    }
}

/// The kind of a reply that is a person's choice about marketing messages, made in WhatsApp's own settings, and the
/// choice that opts out. It always counts, whatever the lists say.
const MARKETING_CHOICE: &str = "user_preferences";
const STOP_MARKETING: &str = "stop_marketing";

/// The words that mean an opt-out in every campaign. Leaves out possible answers to a question, such as "cancel" or
/// "no".
const WORDS: &[&str] = &[
    "stop",
    "stop all",
    "stopall",
    "unsubscribe",
    "opt out",
    "opt-out",
    "optout",
    "remove me",
    // Chinese; TD is the usual opt-out word in SMS.
    "td",
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
    "từ chối",
    // Hindi, Arabic, Hebrew, Turkish
    "रोकें",
    "إيقاف",
    "ايقاف",
    "إلغاء الاشتراك",
    "הסר",
    "dur",
    "abonelikten çık",
    // Spanish, Portuguese, French, Italian
    "baja",
    "dar de baja",
    "darme de baja",
    "parar",
    "sair",
    "descadastrar",
    "arrêt",
    "arret",
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

/// The labels or payloads of opt-out buttons in WhatsApp's own templates.
const BUTTONS: &[&str] = &["stop promotions", "stop marketing", "opt_out", "opt_out_marketing"];

/// Normalises text for comparison: lower case, no surrounding punctuation, one space between words.
fn folded(text: &str) -> String {
    let inner = text.trim_matches(|c: char| !c.is_alphanumeric());
    inner.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(text: &str) -> Reply {
        Reply {
            id: "m".into(),
            from: Phone::from_digits("85268411234"),
            answers: None,
            at: Millis(1),
            kind: "text".into(),
            choice: None,
            title: None,
            text: Some(text.into()),
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

    #[test]
    fn the_whole_text_counts_whatever_its_capitals_and_signs() {
        let list = OptOut::new(None, None);
        for (text, word) in [
            ("STOP", "stop"),
            (" stop. ", "stop"),
            ("\"Stop!\"", "stop"),
            ("¡BAJA!", "baja"),
            ("ARRÊT", "arrêt"),
            ("退订。", "退订"),
            ("Opt-Out", "opt-out"),
            ("remove   me", "remove me"),
            ("СТОП", "стоп"),
        ] {
            assert_eq!(list.asked_by(&wrote(text)), Some(word), "{text}");
        }
        for text in ["", "...", "please don't stop", "stop by tomorrow", "no", "cancel", "stopwatch"] {
            assert_eq!(list.asked_by(&wrote(text)), None, "{text}");
        }
    }

    #[test]
    fn a_button_counts_by_its_id_or_by_what_it_says() {
        let list = OptOut::new(None, None);
        assert_eq!(list.asked_by(&tapped("btn-3", "Stop promotions")), Some("stop promotions"));
        assert_eq!(list.asked_by(&tapped("OPT_OUT", "No more of this")), Some("opt_out"));
        assert_eq!(list.asked_by(&tapped("change-button", "Change")), None);
        assert_eq!(list.asked_by(&wrote("stop promotions")), None, "only a button says this");
    }

    #[test]
    fn a_list_of_ones_own_is_the_whole_list() {
        let list = OptOut::new(Some(vec!["Genug".to_owned()]), Some(vec!["bye".to_owned()]));
        assert!(list.asked_by(&wrote("genug")).is_some() && list.asked_by(&tapped("bye", "Tschüss")).is_some());
        assert!(list.asked_by(&wrote("stop")).is_none() && list.asked_by(&wrote("bye")).is_none());
        assert!(
            OptOut::new(Some(vec!["!".to_owned()]), None).asked_by(&wrote("?")).is_none(),
            "signs alone are no word"
        );
    }

    #[test]
    fn what_a_person_wrote_does_not_print() {
        let printed = format!("{:?}", wrote("meet me at noon"));
        assert!(!printed.contains("noon") && !printed.contains("8526"), "{printed}");
    }
}
