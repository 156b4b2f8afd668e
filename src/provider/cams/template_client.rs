//! The client of CAMS: makes at most 50 calls per second, and never makes a change twice.
//!
//! After a lost response, a change is sent once more, byte for byte with the same nonce. If the first request arrived,
//! the gateway refuses the second (`SignatureNonceUsed`), and the template itself shows the result. Reads are repeated
//! with a new nonce.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::call_rate::CallRate;
use super::{components, error_codes, signature};
use crate::base_url::BaseUrl;
use crate::model::{Millis, ProviderText};
use crate::provider::http::client::{Http, HttpReply, Lost, TRIES, pause, request_id};
use crate::provider::lenient_json::{items, number, text};
use crate::provider::listed_template;
use crate::template::{
    CHECK_FIRST, ChangeAnswer, Definition, Difference, Error, RemoteTemplate, TemplateSummary, diff,
};

const CAMS: &str = "CAMS";
const VERSION: &str = "2020-06-06";
/// The placeholder for a missing value.
const NOTHING: &str = "None";
const PAGE: usize = 50;
const PAGES: usize = 1000;

/// An account of CAMS.
#[derive(Clone, Debug)]
pub struct CamsAccount {
    /// The URL, such as `https://cams.ap-southeast-1.aliyuncs.com`.
    pub endpoint: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The key for signing requests.
    pub secret: SecretString,
    /// The customer space, in an account with several.
    pub cust_space_id: Option<String>,
}

impl CamsAccount {
    /// The only endpoint that Alibaba Cloud lists.
    pub const ENDPOINT: &str = "https://cams.ap-southeast-1.aliyuncs.com";
}

/// A client of one account.
#[derive(Debug)]
pub struct CamsClient {
    account: CamsAccount,
    base: BaseUrl,
    http: Http,
    call_rate: CallRate,
    now: fn() -> Millis,
    nonce: fn() -> String,
}

/// Whether a call changes anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    Changes,
}

/// A request with its signature.
struct Signed {
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

type Parameters = Vec<(String, String)>;

impl CamsClient {
    /// Returns a client for this account; `now` is the clock, and `nonce` returns a text that was never used before.
    ///
    /// # Errors
    /// [`Error::Account`] when the account cannot be used.
    pub fn new(account: CamsAccount, now: fn() -> Millis, nonce: fn() -> String) -> Result<Self, Error> {
        let base = BaseUrl::parse(&account.endpoint).map_err(|bad| Error::Account(format!("CAMS_ENDPOINT: {bad}")))?;
        let http = Http::new(&base).map_err(Error::Account)?;
        Ok(Self { account, base, http, call_rate: CallRate::default(), now, nonce })
    }

    /// Lists all templates, or those with a name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list(&self, name: Option<&str>) -> Result<Vec<TemplateSummary>, Error> {
        let mut found: Vec<TemplateSummary> = Vec::new();
        for page in 1..=PAGES {
            let mut parameters = self.parameters(&[("TemplateType", "WHATSAPP")]);
            parameters.push(("Page".into(), json!({"Index": page, "Size": PAGE}).to_string()));
            parameters.extend(name.map(|name| ("Name".to_owned(), name.to_owned())));
            let answer = self.call("ListChatappTemplate", parameters, Effect::Reads).await?;
            let list = items(&answer, "ListTemplate");
            found.extend(list.iter().filter_map(listed));
            let total = number(&answer, "Total").map_or(0, |total| usize::try_from(total).unwrap_or(usize::MAX));
            if list.is_empty() || page * PAGE >= total {
                break;
            }
        }
        Ok(found)
    }

    /// Returns a template by its name, with its definition.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn show(&self, name: &str, language: Option<&str>) -> Result<RemoteTemplate, Error> {
        self.details(listed_template::find(self.list(Some(name)).await?, name, language)?).await
    }

    /// Returns a listed template with its definition.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn details(&self, listed: TemplateSummary) -> Result<RemoteTemplate, Error> {
        let parameters = self.parameters(&[
            ("TemplateCode", &listed.id),
            ("Language", &listed.language),
            ("TemplateType", "WHATSAPP"),
        ]);
        let answer = self.call("GetChatappTemplateDetail", parameters, Effect::Reads).await?;
        let definition = components::from_details(&answer["Data"]).ok_or_else(|| Error::Strange {
            provider: CAMS,
            why: "the template's details contain something that this version does not recognise".to_owned(),
        })?;
        Ok(RemoteTemplate { listed, definition, complete: true })
    }

    /// Creates a template.
    ///
    /// # Errors
    /// [`Error`]; [`Error::InDoubt`] only when the response was lost and the list does not show the template.
    pub async fn create(&self, definition: &Definition) -> Result<ChangeAnswer, Error> {
        let mut parameters = self.template(definition)?;
        parameters.push(("Name".into(), definition.name.clone()));
        parameters.push(("Category".into(), definition.category.as_str().into()));
        match self.call("CreateChatappTemplate", parameters, Effect::Changes).await {
            Ok(answer) => Ok(answered(&answer)),
            Err(in_doubt @ Error::InDoubt { .. }) => {
                listed_template::made_after_all(self.list(Some(&definition.name)).await, definition).ok_or(in_doubt)
            }
            Err(error) => Err(error),
        }
    }

    /// Changes the template with this name and language (`ModifyChatappTemplate`). Its category cannot be changed.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update(&self, definition: &Definition) -> Result<ChangeAnswer, Error> {
        let mut parameters = self.template(definition)?;
        let listed = listed_template::find(
            self.list(Some(&definition.name)).await?,
            &definition.name,
            Some(&definition.language),
        )?;
        if !listed.category.is_empty() && listed.category != definition.category.as_str() {
            return Err(Error::Which(format!(
                "`{}` has category {} in CAMS, and the category cannot be changed; create a template with another name",
                listed.name, listed.category
            )));
        }
        parameters.push(("TemplateCode".into(), listed.id.clone()));
        match self.call("ModifyChatappTemplate", parameters, Effect::Changes).await {
            Ok(answer) => Ok(answered(&answer)),
            Err(in_doubt @ Error::InDoubt { .. }) => {
                let shown = self.show(&definition.name, Some(&definition.language)).await;
                match shown.is_ok_and(|shown| self.diff(&shown, definition).is_empty()) {
                    true => Ok(ChangeAnswer { id: Some(listed.id), request_id: None, found_afterwards: true }),
                    false => Err(in_doubt),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes a template in one language.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete(&self, listed: &TemplateSummary) -> Result<ChangeAnswer, Error> {
        let parameters = self.parameters(&[
            ("TemplateCode", &listed.id),
            ("Language", &listed.language),
            ("TemplateType", "WHATSAPP"),
        ]);
        match self.call("DeleteChatappTemplate", parameters, Effect::Changes).await {
            Ok(answer) => Ok(ChangeAnswer { id: Some(listed.id.clone()), ..answered(&answer) }),
            Err(in_doubt @ Error::InDoubt { .. }) => {
                let Ok(left) = self.list(Some(&listed.name)).await else { return Err(in_doubt) };
                match left.iter().any(|left| left.id == listed.id && left.language == listed.language) {
                    true => Err(in_doubt),
                    false => Ok(ChangeAnswer { id: Some(listed.id.clone()), request_id: None, found_afterwards: true }),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what an update would change.
    #[must_use]
    pub fn diff(&self, shown: &RemoteTemplate, definition: &Definition) -> Vec<Difference> {
        diff(&components::kept(&shown.definition), &components::kept(definition))
    }

    fn parameters(&self, pairs: &[(&str, &str)]) -> Parameters {
        let space = self.account.cust_space_id.iter().map(|id| ("CustSpaceId".to_owned(), id.clone()));
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain(space).collect()
    }

    /// Returns the parameters of a template: nested ones are JSON text.
    fn template(&self, definition: &Definition) -> Result<Parameters, Error> {
        let translated = components::to_request(definition).map_err(Error::Inexpressible)?;
        let mut parameters = self.parameters(&[]);
        if let Value::Object(request) = translated.request {
            let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            parameters.extend(request.into_iter().map(|(name, value)| (name, text(value))));
        }
        Ok(parameters)
    }

    /// Signs a call with a new nonce. Parameters of reads go into the query, those of changes into the body, as in
    /// Alibaba's own libraries.
    fn signed(&self, action: &str, parameters: &Parameters, effect: Effect) -> Signed {
        let (query, body) = match effect {
            Effect::Reads => (parameters.clone(), Vec::new()),
            Effect::Changes => (Vec::new(), signature::encode(parameters).into_bytes()),
        };
        let url = self.base.url();
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = vec![
            header("host", host),
            header("x-acs-action", action.to_owned()),
            header("x-acs-version", VERSION.to_owned()),
            header("x-acs-date", (self.now)().to_string()),
            header("x-acs-signature-nonce", (self.nonce)()),
        ];
        if !body.is_empty() {
            headers.push(header("content-type", "application/x-www-form-urlencoded".to_owned()));
        }
        let request = signature::Request { method: "POST", query: &query, headers: &headers, body: &body };
        let (payload, authorization) = signature::sign(&request, &self.account.access_key_id, &self.account.secret);
        headers.push(header("x-acs-content-sha256", payload));
        headers.push(header("authorization", authorization));
        Signed { query, headers, body }
    }

    async fn call(&self, action: &str, parameters: Parameters, effect: Effect) -> Result<Value, Error> {
        let mut request = self.signed(action, &parameters, effect);
        // Why the response to this request was lost, if it was.
        let mut lost: Option<String> = None;
        let mut number_of_try = 1;
        loop {
            let mut url = self.base.url().clone();
            if !request.query.is_empty() {
                url.set_query(Some(&signature::encode(&request.query)));
            }
            self.call_rate.wait().await;
            let sent = self.http.send("POST", url, &request.headers, request.body.clone()).await;
            let last = number_of_try >= TRIES;
            let why = match sent {
                Ok(reply) => match read(&reply) {
                    Read::Done(answer) => return Ok(answer),
                    // Another nonce could make the change a second time.
                    Read::Throttled(error) => match lost {
                        Some(why) => return Err(in_doubt(why)),
                        None if last => return Err(error),
                        None => None,
                    },
                    Read::Refused(code, error) => match lost {
                        Some(why) if code == "SignatureNonceUsed" => return Err(in_doubt(why)),
                        _ => return Err(error),
                    },
                    Read::InDoubt(why) => Some(why),
                },
                Err(Lost::NotSent(why)) if last || lost.is_some() => {
                    return Err(lost.map_or_else(|| Error::Unreachable { provider: CAMS, why }, in_doubt));
                }
                Err(Lost::NotSent(_)) => None,
                Err(Lost::InDoubt(why)) => Some(why),
            };
            match why {
                Some(why) if last && effect == Effect::Reads => return Err(Error::Unreachable { provider: CAMS, why }),
                Some(why) if last || lost.is_some() && effect == Effect::Changes => return Err(in_doubt(why)),
                // Send the same bytes once more: the gateway accepts a nonce only once.
                Some(why) if effect == Effect::Changes => lost = Some(why),
                _ => request = self.signed(action, &parameters, effect),
            }
            number_of_try += 1;
            tokio::time::sleep(pause(number_of_try)).await;
        }
    }
}

enum Read {
    Done(Value),
    /// Rejected before it had any effect.
    Throttled(Error),
    Refused(String, Error),
    InDoubt(String),
}

fn read(reply: &HttpReply) -> Read {
    let answer: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let Some((answer, code)) = answer.and_then(|answer| text(&answer, "Code").map(|code| (answer, code))) else {
        return Read::InDoubt(format!("HTTP {} without a valid CAMS response", reply.status));
    };
    if code == "OK" && reply.status < 300 {
        return Read::Done(answer);
    }
    if reply.status >= 500 {
        return Read::InDoubt(format!("HTTP {} with code {}", reply.status, ProviderText::shown(&code)));
    }
    let error = Error::Refused {
        provider: CAMS,
        message: words(&answer).into(),
        advice: error_codes::advice(&code),
        request_id: request_id(text(&answer, "RequestId")),
        code: ProviderText::shown(&code).into_owned(),
    };
    if error_codes::is_throttle(&code) { Read::Throttled(error) } else { Read::Refused(code, error) }
}

/// Returns the words of a refusal, including the missing permission.
fn words(answer: &Value) -> String {
    let said = |key: &str| match answer.get(key)? {
        detail @ Value::Object(_) => Some(detail.to_string()),
        _ => text(answer, key).filter(|words| words != NOTHING),
    };
    let words: Vec<String> = ["Message", "AccessDeniedDetail"].into_iter().filter_map(said).collect();
    words.join("; access denied: ")
}

fn answered(answer: &Value) -> ChangeAnswer {
    let id = answer.get("Data").and_then(|data| text(data, "TemplateCode"));
    ChangeAnswer { id, request_id: request_id(text(answer, "RequestId")), found_afterwards: false }
}

fn listed(value: &Value) -> Option<TemplateSummary> {
    let status = text(value, "AuditStatus").unwrap_or_default();
    Some(TemplateSummary {
        id: text(value, "TemplateCode")?,
        name: text(value, "TemplateName").or_else(|| text(value, "Name"))?,
        language: text(value, "Language").unwrap_or_default(),
        category: text(value, "Category").unwrap_or_default(),
        sendable: status == "pass",
        status,
        reason: text(value, "Reason").map(ProviderText::from),
        changed: text(value, "LastUpdateTime"),
    })
}

fn in_doubt(why: String) -> Error {
    Error::InDoubt { provider: CAMS, why, check: CHECK_FIRST }
}
