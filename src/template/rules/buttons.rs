//! The rules for buttons: the fields of each kind, their number and their order.

use super::super::definition::{Button, ButtonKind, Category};
use super::Check;
use crate::template::placeholders::{Piece, names, pieces};

/// The most buttons of a message, and of a card.
const BUTTONS: usize = 10;
const CARD_BUTTONS: usize = 2;
/// The most characters of a label.
const LABEL: usize = 25;
/// The most characters of a phone number.
const PHONE: usize = 20;
/// The most characters of a URL.
pub(in super::super) const URL: usize = 2000;
/// The most characters of a code.
const CODE: usize = 15;
/// The most characters of an app's package name, and the exact number of its signature hash.
const PACKAGE: usize = 224;
const HASH: usize = 11;

/// The most buttons of each kind.
const MOST_OF_KIND: [(ButtonKind, usize); 4] =
    [(ButtonKind::Url, 2), (ButtonKind::PhoneNumber, 1), (ButtonKind::VoiceCall, 1), (ButtonKind::CopyCode, 1)];

impl Check {
    /// Checks the buttons of a message or a card.
    pub(super) fn buttons(&mut self, buttons: &[Button], at: &str, in_card: bool) {
        self.count(buttons, at, in_card);
        self.order(buttons, at);
        for (index, button) in buttons.iter().enumerate() {
            let place = format!("{at}[{index}]");
            self.button(button, &place);
            if in_card && !matches!(button.kind, ButtonKind::QuickReply | ButtonKind::Url | ButtonKind::PhoneNumber) {
                let message = format!("a card cannot have a button of type {}", button.kind.as_str());
                self.error("wrong_button", place.as_str(), message).hint =
                    Some("use QUICK_REPLY, URL or PHONE_NUMBER".into());
            }
            if button.text.is_some() && buttons[..index].iter().any(|earlier| earlier.text == button.text) {
                self.warning("same_label", format!("{place}.text"), "another button has the same label");
            }
        }
    }

    fn count(&mut self, buttons: &[Button], at: &str, in_card: bool) {
        let most = if in_card { CARD_BUTTONS } else { BUTTONS };
        if buttons.is_empty() || buttons.len() > most {
            self.error(
                "wrong_count",
                at,
                format!("1 to {most} buttons are allowed here, but there are {}", buttons.len()),
            );
        }
        let of = |kind: ButtonKind| buttons.iter().filter(|button| button.kind == kind).count();
        for (kind, most) in MOST_OF_KIND {
            if of(kind) > most {
                let message =
                    format!("the limit for buttons of type {} is {most}, but there are {}", kind.as_str(), of(kind));
                self.error("wrong_count", at, message);
            }
        }
        for kind in [ButtonKind::Catalog, ButtonKind::Mpm] {
            if of(kind) > 0 && buttons.len() > 1 {
                self.error("wrong_count", at, format!("a button of type {} must be the only button", kind.as_str()));
            }
        }
        if self.category == Category::Authentication && (buttons.len() != 1 || of(ButtonKind::Otp) != 1) {
            self.error("wrong_count", at, "an AUTHENTICATION template must have exactly one button, of type OTP");
        }
    }

    /// Requires quick replies to be together, before or after all others.
    fn order(&mut self, buttons: &[Button], at: &str) {
        let is_reply = |button: &Button| button.kind == ButtonKind::QuickReply;
        let changes = buttons.windows(2).position(|pair| is_reply(&pair[0]) != is_reply(&pair[1]));
        let Some(first) = changes else { return };
        let rest = &buttons[first + 1..];
        if let Some(second) = rest.iter().position(|button| is_reply(button) != is_reply(&rest[0])) {
            self.error(
                "wrong_order",
                format!("{at}[{}]", first + 1 + second),
                "QUICK_REPLY buttons must be together, before or after the others",
            );
        }
    }

    fn button(&mut self, button: &Button, at: &str) {
        let label_is_fixed = matches!(button.kind, ButtonKind::CopyCode)
            || button.kind == ButtonKind::Otp && button.otp_type.as_deref() == Some("ZERO_TAP");
        if button.text.is_some() || !label_is_fixed {
            let what = format!("a button of type {}", button.kind.as_str());
            if let Some(text) = self.text(button.text.as_ref(), &what, at) {
                self.at_most(text, LABEL, format!("{at}.text"));
                self.no_variable(text, "a button's label", format!("{at}.text"));
            }
        }
        match button.kind {
            ButtonKind::QuickReply if button.opt_out == Some(true) => {
                self.only(Category::Marketing, "`opt_out`", format!("{at}.opt_out"));
            }
            ButtonKind::Url => self.url(button, at),
            ButtonKind::PhoneNumber => match &button.phone_number {
                None => self.lacks("phone_number", button, at),
                Some(number) => {
                    self.at_most(number, PHONE, format!("{at}.phone_number"));
                    let digits = number.strip_prefix('+').unwrap_or(number);
                    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                        let path = format!("{at}.phone_number");
                        self.error(
                            "bad_number",
                            path,
                            "the number must consist of digits, with or without `+` at the start",
                        );
                    }
                }
            },
            ButtonKind::CopyCode => self.copy_code(button, at),
            ButtonKind::Flow => {
                if button.flow_id.is_none() {
                    self.lacks("flow_id", button, at);
                }
                if button.flow_action.as_deref() == Some("NAVIGATE") && button.navigate_screen.is_none() {
                    self.lacks("navigate_screen", button, at);
                }
            }
            ButtonKind::Otp => self.otp(button, at),
            ButtonKind::QuickReply | ButtonKind::Catalog | ButtonKind::Mpm | ButtonKind::VoiceCall => {}
        }
    }

    fn lacks(&mut self, key: &str, button: &Button, at: &str) {
        let message = format!("a button of type {} needs the key `{key}`", button.kind.as_str());
        self.error("missing_key", at, message);
    }

    fn url(&mut self, button: &Button, at: &str) {
        let Some(url) = &button.url else { return self.lacks("url", button, at) };
        let path = format!("{at}.url");
        self.at_most(url, URL, path.clone());
        if !url.starts_with("https://") && !url.starts_with("http://") {
            self.error("bad_link", path.as_str(), "a URL must start with https:// or http://");
        }
        let pieces = pieces(url);
        let variables = pieces.iter().filter(|piece| !matches!(piece, Piece::Text(_))).count();
        if variables > 1 {
            self.error(
                "too_many_variables",
                path.as_str(),
                format!("this URL has {variables} variables; the limit is 1"),
            );
        } else if variables == 1 && !matches!(pieces.last(), Some(Piece::Variable(_))) {
            self.error("bad_variable", path.as_str(), "the variable must be at the end of the URL");
        }
    }

    fn copy_code(&mut self, button: &Button, at: &str) {
        if let Some(code) = button.example.first() {
            self.at_most(code, CODE, format!("{at}.example"));
            if !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                self.error("bad_code", format!("{at}.example"), "a code can contain only letters and digits");
            }
        }
        if let Some(code) = &button.coupon_code
            && (names(code).len() != 1 || pieces(code).len() != 1)
        {
            let path = format!("{at}.coupon_code");
            self.error("bad_variable", path, "`coupon_code` must be the variable for the code, such as \"{{code}}\"");
        }
    }

    fn otp(&mut self, button: &Button, at: &str) {
        self.only(Category::Authentication, "a button of type OTP", at.to_owned());
        match button.otp_type.as_deref() {
            None => self.lacks("otp_type", button, at),
            Some("COPY_CODE") => {}
            Some(kind) => {
                let app = [("package_name", &button.package_name), ("signature_hash", &button.signature_hash)];
                let label = (kind == "ONE_TAP").then_some(("autofill_text", &button.autofill_text));
                for (key, _) in app.into_iter().chain(label).filter(|(_, value)| value.is_none()) {
                    self.error("missing_key", at, format!("an OTP button of kind {kind} needs the key `{key}`"));
                }
                if let Some(name) = &button.package_name {
                    self.at_most(name, PACKAGE, format!("{at}.package_name"));
                }
                if button.signature_hash.as_ref().is_some_and(|hash| hash.chars().count() != HASH) {
                    let path = format!("{at}.signature_hash");
                    // According to Meta; the sample in CAMS's documentation has 7.
                    let message = format!("an app signature hash should have {HASH} characters, according to Meta");
                    self.warning("bad_hash", path, message);
                }
                if let Some(text) = &button.autofill_text {
                    self.at_most(text, LABEL, format!("{at}.autofill_text"));
                }
            }
        }
    }
}
