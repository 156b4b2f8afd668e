//! What a recipient sends back, and the list of words and buttons that ask for nothing more.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use super::{Millis, Phone};

/// A message from a person to the business.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The provider's id of it. One that comes twice is the same one.
    pub id: String,
    /// Who sent it, where the provider says so by number.
    pub from: Option<Phone>,
    /// The provider's id of the message of ours that it answers, if it says so.
    pub answers: Option<String>,
    /// When it was sent.
    pub at: Millis,
    /// `button_reply`, `list_reply`, `button` (of a template), `text`, or another word of the provider's.
    pub kind: String,
    /// The id of the button or the list's row, or the payload of a template's button.
    pub choice: Option<String>,
    /// What the button or the row says.
    pub title: Option<String>,
    /// What the person wrote.
    pub text: Option<String>,
}

impl fmt::Debug for Reply {
    /// Without who sent it and what they wrote, so that logs and panics hold nothing personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("kind", &self.kind).field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// The replies to the messages of a run, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replies {
    /// All of them.
    pub total: u64,
    /// Rows that at least one came from.
    pub rows: u64,
    /// Rows of which one asked for nothing more.
    pub opted_out: u64,
    /// By what was said, the most frequent first.
    pub choices: Vec<Choice>,
}

/// What was said, and how often. What people wrote themselves is one of these, whatever it was.
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
    /// Rows that they came from.
    pub rows: u64,
}

impl Choice {
    /// What was said, for people: what the button or the list's row says, or its id, or the kind of message.
    #[must_use]
    pub fn name(&self) -> &str {
        self.title.as_deref().or(self.id.as_deref()).unwrap_or(&self.kind)
    }
}

/// What people say when they want to get nothing more.
#[derive(Clone, Debug)]
pub struct OptOut {
    /// Folded.
    words: HashSet<String>,
    buttons: HashSet<String>,
}

impl OptOut {
    /// The lists, or where one is left out that of every campaign. `words` are what a person writes and nothing else
    /// beside it, or what a button or a list's row says or has for its id; `buttons` are the latter alone. Capitals,
    /// and signs before and behind, make no difference.
    #[must_use]
    pub fn new(words: Option<Vec<String>>, buttons: Option<Vec<String>>) -> Self {
        let list = |own: Option<Vec<String>>, usual: &[&str]| {
            let mut list: HashSet<String> = match own {
                Some(own) => own.iter().map(|word| folded(word)).collect(),
                None => usual.iter().map(|word| folded(word)).collect(),
            };
            // Signs alone say nothing.
            list.remove("");
            list
        };
        let (words, mut buttons) = (list(words, WORDS), list(buttons, BUTTONS));
        buttons.extend(words.iter().cloned());
        Self { words, buttons }
    }

    /// The word or the button of the lists by which this reply asks for nothing more, if it does.
    #[must_use]
    pub fn asked_by(&self, reply: &Reply) -> Option<&str> {
        let Reply { title, choice, text, .. } = reply;
        let said = [(&self.buttons, title), (&self.buttons, choice), (&self.words, text)];
        said.into_iter().find_map(|(list, said)| list.get(&folded(said.as_deref()?))).map(String::as_str)
    }
}

/// What asks for nothing more in any campaign. No word that may be the answer to a question, such as "cancel" or "no".
const WORDS: &[&str] = &[
    "stop",
    "stop all",
    "stopall",
    "unsubscribe",
    "opt out",
    "opt-out",
    "optout",
    "remove me",
    // Chinese; TD is what SMS taught everyone there.
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

/// What the buttons of WhatsApp's own templates say, or have for their payload, beside these words.
const BUTTONS: &[&str] = &["stop promotions", "stop marketing", "opt_out", "opt_out_marketing"];

/// As it is compared: small letters, no signs around it, one space between words.
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
