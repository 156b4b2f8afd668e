//! The client of NXLink: every attempt gets a new signature, and a template is never created twice.
//!
//! The API has no protection against a repeated create, so after a lost response the template is looked up in the list,
//! and the create is never repeated. Everything else may be repeated.

use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;

use super::{error_codes, fields, signature};
use crate::base_url::BaseUrl;
use crate::model::{Millis, ProviderText};
use crate::provider::http::client::{Http, HttpReply, Lost, TRIES, pause, request_id};
use crate::provider::lenient_json::{boolean, items, number, text, texts};
use crate::provider::listed_template;
use crate::template::{
    CHECK_FIRST, ChangeAnswer, Definition, Difference, Error, REPEAT, RemoteTemplate, TemplateSummary, diff,
};

const NXLINK: &str = "NXLink";
/// The templates per page; the documentation has no limit and shows 10.
const PAGE: usize = 50;
/// The most pages of a list, in case every response promises another one.
const PAGES: usize = 1000;

/// An account of NXLink.
#[derive(Clone, Debug)]
pub struct NxlinkAccount {
    /// Such as `https://api-hk.nxlink.ai/saas/wa`.
    pub base_url: String,
    /// The sender's number: country code and digits.
    pub phone: String,
    /// The tenant's id.
    pub tenant: u64,
    /// The header `accessKey`.
    pub access_key: String,
    /// The key for signing requests.
    pub secret: SecretString,
}

impl NxlinkAccount {
    /// The documented URL.
    pub const BASE_URL: &str = "https://api-hk.nxlink.ai/saas/wa";
}

/// A client of one account.
#[derive(Debug)]
pub struct NxlinkClient {
    account: NxlinkAccount,
    base: BaseUrl,
    http: Http,
    now: fn() -> Millis,
}

/// A WhatsApp flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Its id, for buttons of type FLOW.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Such as `DRAFT`.
    pub status: String,
    /// Whether it was published.
    pub published: bool,
    /// What it is for.
    pub categories: Vec<String>,
}

/// An uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UploadedMedia {
    /// For `media_id` of a header.
    pub media_id: String,
    /// For `file_name` of a header.
    pub file_name: Option<String>,
    /// IMAGE, DOCUMENT or VIDEO.
    pub media_type: Option<String>,
    /// For `handle` of a header; documented, but missing in the documented example.
    pub handle: Option<String>,
}

/// The effect of repeating a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing that matters.
    Same,
    /// A second template.
    New,
}

/// The body of a request.
enum Content {
    None,
    Json(Vec<u8>),
    Form(Vec<u8>),
}

/// The boundary of the multipart form. It cannot occur in a URL, which has no line breaks.
const BOUNDARY: &str = "campaigner-media-upload";

impl NxlinkClient {
    /// Returns a client for this account; `now` is the clock for signatures.
    ///
    /// # Errors
    /// [`Error::Account`] when the account cannot be used.
    pub fn new(account: NxlinkAccount, now: fn() -> Millis) -> Result<Self, Error> {
        let base =
            BaseUrl::parse(&account.base_url).map_err(|bad| Error::Account(format!("NXLINK_BASE_URL: {bad}")))?;
        if account.phone.is_empty() || !account.phone.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::Account("NXLINK_PHONE must be the country code and the number, digits only".to_owned()));
        }
        let http = Http::new(&base).map_err(Error::Account)?;
        Ok(Self { account, base, http, now })
    }

    /// Lists all templates, or those that NXLink finds for a name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list(&self, name: Option<&str>) -> Result<Vec<TemplateSummary>, Error> {
        let mut found: Vec<TemplateSummary> = Vec::new();
        for page in 1..=PAGES {
            let (page, size) = (page.to_string(), PAGE.to_string());
            let mut query = vec![("page_number", page.as_str()), ("page_size", size.as_str())];
            query.extend(name.map(|name| ("name", name)));
            let data = self.get(&format!("template/{}", self.account.phone), &query).await?;
            let list = items(&data, "list");
            found.extend(list.iter().filter_map(listed));
            if list.is_empty() || boolean(&data, "has_next_page") != Some(true) {
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
        let data = self.get(&format!("template/{}/{}", self.account.phone, listed.id), &[]).await?;
        let (definition, complete) = fields::from_details(&data, &listed.language)
            .ok_or_else(|| strange("the details do not have a documented format"))?;
        Ok(RemoteTemplate { listed, definition, complete })
    }

    /// Creates a template.
    ///
    /// # Errors
    /// [`Error`]; [`Error::InDoubt`] only when the response was lost and the list does not show the template.
    pub async fn create(&self, definition: &Definition) -> Result<ChangeAnswer, Error> {
        let body = self.body(definition)?;
        let path = format!("template/{}", self.account.phone);
        match self.call("POST", &path, &[], Content::Json(body), Effect::New).await {
            Ok((data, request_id)) => {
                let id = text(&data, "id");
                Ok(ChangeAnswer { id, request_id, found_afterwards: false })
            }
            Err(in_doubt @ Error::InDoubt { .. }) => {
                listed_template::made_after_all(self.list(Some(&definition.name)).await, definition).ok_or(in_doubt)
            }
            Err(error) => Err(error),
        }
    }

    /// Changes the template with this name and language.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update(&self, definition: &Definition) -> Result<ChangeAnswer, Error> {
        let body = self.body(definition)?;
        let listed = listed_template::find(
            self.list(Some(&definition.name)).await?,
            &definition.name,
            Some(&definition.language),
        )?;
        let path = format!("template/{}", self.account.phone);
        let (_, request_id) = self.call("PUT", &path, &[], Content::Json(body), Effect::Same).await?;
        Ok(ChangeAnswer { id: Some(listed.id), request_id, found_afterwards: false })
    }

    /// Deletes a template.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete(&self, listed: &TemplateSummary) -> Result<ChangeAnswer, Error> {
        let tenant = self.account.tenant.to_string();
        let path = format!("template/{}/{}", self.account.phone, listed.id);
        let deleted = self.call("DELETE", &path, &[("tenant_id", &tenant)], Content::None, Effect::Same).await;
        let id = Some(listed.id.clone());
        match deleted {
            Ok((_, request_id)) => Ok(ChangeAnswer { id, request_id, found_afterwards: false }),
            // If the first attempt deleted it, a repeated delete is refused.
            Err(error @ (Error::Refused { .. } | Error::InDoubt { .. })) => {
                let Ok(list) = self.list(Some(&listed.name)).await else { return Err(error) };
                let left = list.iter().find(|left| left.id == listed.id);
                match left.is_none_or(|left| ["deleted", "pending deletion"].contains(&left.status.as_str())) {
                    true => Ok(ChangeAnswer { id, request_id: None, found_afterwards: true }),
                    false => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what an update would change.
    #[must_use]
    pub fn diff(&self, shown: &RemoteTemplate, definition: &Definition) -> Vec<Difference> {
        diff(&fields::kept(&shown.definition, shown.complete), &fields::kept(definition, shown.complete))
    }

    /// Lists the account's flows.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn flows(&self) -> Result<Vec<Flow>, Error> {
        let data = self.get(&format!("flow/{}", self.account.phone), &[]).await?;
        let flow = |value: &Value| {
            Some(Flow {
                id: text(value, "id")?,
                name: text(value, "name").unwrap_or_default(),
                status: text(value, "status").unwrap_or_default(),
                published: boolean(value, "published") == Some(true),
                categories: texts(value, "categories"),
            })
        };
        Ok(items(&data, "flow_list").iter().filter_map(flow).collect())
    }

    /// Makes NXLink fetch a file, for the sample of a header.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn upload(&self, url: &str) -> Result<UploadedMedia, Error> {
        let form =
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"url\"\r\n\r\n{url}\r\n--{BOUNDARY}--\r\n");
        // The documentation has two slashes.
        let path = format!("/media/{}", self.account.phone);
        let (data, _) = self.call("POST", &path, &[], Content::Form(form.into_bytes()), Effect::Same).await?;
        Ok(UploadedMedia {
            media_id: text(&data, "media_id").ok_or_else(|| strange("`media_id` is missing"))?,
            file_name: text(&data, "original_filename"),
            media_type: text(&data, "media_type"),
            handle: text(&data, "h"),
        })
    }

    fn body(&self, definition: &Definition) -> Result<Vec<u8>, Error> {
        let translated = fields::to_request(definition, self.account.tenant).map_err(Error::Inexpressible)?;
        Ok(translated.request.to_string().into_bytes())
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        let tenant = self.account.tenant.to_string();
        let query: Vec<(&str, &str)> = query.iter().copied().chain([("tenant_id", tenant.as_str())]).collect();
        Ok(self.call("GET", path, &query, Content::None, Effect::Same).await?.0)
    }

    /// Makes a call and returns the data of the response and its trace id.
    async fn call(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        content: Content,
        effect: Effect,
    ) -> Result<(Value, Option<String>), Error> {
        // Not joined, because the path may start with a slash.
        let mut url = self.base.url().clone();
        url.set_path(&format!("{}{path}", self.base.url().path()));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (content_type, signed, body) = match &content {
            Content::None => ("application/json".to_owned(), None, &[][..]),
            Content::Json(body) => ("application/json".to_owned(), Some(body.as_slice()), body.as_slice()),
            Content::Form(body) => (format!("multipart/form-data; boundary={BOUNDARY}"), None, body.as_slice()),
        };
        let mut number_of_try = 1;
        loop {
            let ts = (self.now)().0.to_string();
            let signing = [
                ("accessKey", self.account.access_key.as_str()),
                ("action", signature::ACTION),
                ("bizType", signature::BIZ_TYPE),
                ("ts", ts.as_str()),
            ];
            let signature = signature::sign(&signing, signed, &self.account.secret);
            let mut headers: Vec<(String, String)> =
                signing.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            headers.push(("sign".to_owned(), signature));
            headers.push(("content-type".to_owned(), content_type.clone()));
            let last = number_of_try >= TRIES;
            match self.http.send(method, url.clone(), &headers, body.to_vec()).await {
                Ok(reply) => match read(&reply) {
                    Read::Done(data, trace) => return Ok((data, trace)),
                    // Rejected by the rate limiter or because of the clock: not executed.
                    Read::NotDone(error) if last => return Err(error),
                    Read::NotDone(_) => {}
                    Read::Refused(error) => return Err(error),
                    Read::InDoubt(why) if effect == Effect::New || last => return Err(unanswered(method, effect, why)),
                    Read::InDoubt(_) => {}
                },
                Err(Lost::NotSent(why)) if last => return Err(Error::Unreachable { provider: NXLINK, why }),
                Err(Lost::InDoubt(why)) if effect == Effect::New || last => {
                    return Err(unanswered(method, effect, why));
                }
                Err(_) => {}
            }
            number_of_try += 1;
            tokio::time::sleep(pause(number_of_try)).await;
        }
    }
}

/// The meaning of a response.
enum Read {
    Done(Value, Option<String>),
    NotDone(Error),
    Refused(Error),
    InDoubt(String),
}

fn read(reply: &HttpReply) -> Read {
    let envelope = serde_json::from_slice::<Value>(&reply.body).ok();
    let envelope = envelope.and_then(|envelope| Some((envelope.get("code")?.as_i64()?, envelope)));
    let Some((code, envelope)) = envelope else {
        let why = format!("HTTP {} without a valid NXLink response", reply.status);
        return match reply.status {
            429 => Read::NotDone(Error::Busy { provider: NXLINK, why }),
            400..=499 => Read::Refused(strange(&why)),
            _ => Read::InDoubt(why),
        };
    };
    let request_id = request_id(text(&envelope, "traceId"));
    let message = ProviderText::from(text(&envelope, "message").unwrap_or_default());
    let refused = |request_id| Error::Refused {
        provider: NXLINK,
        code: ProviderText::shown(&code.to_string()).into_owned(),
        message: message.clone(),
        advice: error_codes::advice(code),
        request_id,
    };
    match code {
        0 => Read::Done(envelope.get("data").cloned().unwrap_or_default(), request_id),
        // The response may come from something that does not know the result.
        -1 if reply.status >= 500 => {
            let trace = request_id.map(|id| format!(" (trace id {id})")).unwrap_or_default();
            Read::InDoubt(format!("HTTP {} with code -1: {message}{trace}", reply.status))
        }
        1004 => Read::NotDone(refused(request_id)),
        _ => Read::Refused(refused(request_id)),
    }
}

fn listed(value: &Value) -> Option<TemplateSummary> {
    let (status, sendable) = error_codes::status(number(value, "status").unwrap_or(u64::MAX));
    Some(TemplateSummary {
        id: text(value, "id")?,
        name: text(value, "name")?,
        language: text(value, "language").unwrap_or_default(),
        category: text(value, "category").unwrap_or_default(),
        status,
        sendable,
        reason: text(value, "waRejectedReason").map(ProviderText::from),
        changed: text(value, "updated_at"),
    })
}

/// Returns the error for a missing response; a request that only reads changed nothing.
fn unanswered(method: &str, effect: Effect, why: String) -> Error {
    match method {
        "GET" => Error::Unreachable { provider: NXLINK, why },
        _ => {
            let check = if effect == Effect::New { CHECK_FIRST } else { REPEAT };
            Error::InDoubt { provider: NXLINK, why, check }
        }
    }
}

fn strange(why: &str) -> Error {
    Error::Strange { provider: NXLINK, why: why.to_owned() }
}
