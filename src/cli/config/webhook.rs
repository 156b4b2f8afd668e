//! `[webhook]` in the configuration and the environment: the secret of the provider's webhooks, and which replies count
//! as opting out.

use secrecy::ExposeSecret;

use crate::cli::config::file::{self, RawWebhook, SecretText, variable_in_words};
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::serve::Token;
use crate::model::OptOut;

/// The variable that holds the secret, unless the configuration names another.
const VARIABLE: &str = "CAMPAIGNER_WEBHOOK_SECRET";

/// Returns the secret, and what counts as opting out. Where webhooks come from accounts at Meta, which sign them, the
/// secret may be missing.
pub(in crate::cli) async fn settings(global: &Global, has_meta: bool) -> Result<(Option<Token>, OptOut), CliError> {
    let RawWebhook { secret, secret_env, stop_words, stop_buttons } = file::read(global).await?.webhook;
    let variable_name = secret_env.as_deref().map_or_else(
        || VARIABLE.to_owned(),
        |variable| match variable_in_words(variable, "webhook.secret_env") {
            name if name == variable => name,
            words => format!("the variable {words}"),
        },
    );
    let token = match (&secret, &secret_env) {
        (Some(_), Some(_)) => {
            return Err(CliError::new(
                Exit::Wrong,
                "`webhook` in the configuration has both `secret` and `secret_env`; remove one of the two",
            ));
        }
        (Some(SecretText(secret)), None) => {
            Token::new("`webhook.secret` in the configuration", secret.expose_secret())?
        }
        (None, variable) => Token::of_variable(variable.as_deref().unwrap_or(VARIABLE), &variable_name)?,
    };
    if token.is_none() && !has_meta {
        return Err(CliError::new(
            Exit::Wrong,
            format!(
                "without a secret, anyone who finds the URL can send forged webhooks; set {variable_name} to at least \
                 16 letters and digits (for example from `openssl rand -hex 24`). If you need only Meta's webhooks, set \
                 META_APP_SECRET and META_VERIFY_TOKEN instead (docs/providers.md)"
            ),
        ));
    }
    Ok((token, OptOut::new(stop_words, stop_buttons)))
}
