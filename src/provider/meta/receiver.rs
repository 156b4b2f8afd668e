//! The receiver of an account's webhooks.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// Whose webhooks come to one URL.
#[derive(Clone, Debug)]
pub struct MetaReceiver {
    /// The secret of the app, which signs the calls.
    pub app_secret: SecretString,
    /// The fingerprint of the account that the URL belongs to.
    pub account: String,
    /// The id of its WhatsApp Business account, if it is known.
    pub waba_id: Option<String>,
    /// The ids of the phone numbers whose events are used, with the fingerprints of their accounts. An app has one URL
    /// for all of its numbers, unless a person sets another for one of them.
    pub numbers: BTreeMap<String, String>,
}
