//! CAMS's error codes, with what to do; those of the gateway before it among them.

/// What to do about an error code.
#[must_use]
pub fn advice(code: &str) -> &'static str {
    match code {
        "Product.Unsubscript" => "subscribe to Chat App Message Service in the Alibaba Cloud console",
        "Ram.PermissionDeny" | "Forbidden.RAM" | "Authentication.NoAuth" | "NoPermission" => {
            "give the RAM user the actions cams:*ChatappTemplate"
        }
        "Unknown.ResourceOwnerId" => "the template is of another account: check CAMS_CUST_SPACE_ID",
        "System.LimitControl" => "too many calls from this account: wait and try again",
        "SignatureDoesNotMatch" | "IncompleteSignature" => "check ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "InvalidAccessKeyId.NotFound" | "InvalidAccessKeyId.Inactive" => "check ALIBABA_CLOUD_ACCESS_KEY_ID",
        "SignatureNonceUsed" => "a request with this nonce came before: see whether it was done, then try again",
        "InvalidTimeStamp.Expired" => "the clock of this machine is more than 15 minutes off: set it",
        "InvalidParameter.MessageInvalid" => "variables have names on CAMS: write {{first_name}}, not {{1}}",
        "InvalidParameter.FooterHaveVariable" => "take the variable out of the footer",
        "InvalidParameter.HeaderMoreVarable" => "leave at most one variable in the header",
        "InvalidParameter.HeaderTypeNotSupport" => "use TEXT, IMAGE, VIDEO or DOCUMENT as the header's format",
        "InvalidParameter.ButtonTextHaveVariable" => "take the variable out of the button's label",
        "InvalidParameter.UrlMoreVarable" => "leave at most one variable in a button's address",
        "InvalidParameter.PhoneNumberError" => "write the button's number with `+` and country code",
        "InvalidParameter.TemplateNameExist" => {
            "there is a template of this name and language: `templates diff` compares, `templates update` changes it"
        }
        "InvalidParameter.LanguageNotSupport" => "use a language code that WhatsApp has, such as `en_US`",
        "InvalidParameter.TemplateStatusNotAllowModify" => {
            "only templates that are not yet reviewed or were rejected can be changed: make one of another name"
        }
        code if code.ends_with("TemplateNotExist") => {
            "there is no such template: check its name, language and CAMS_CUST_SPACE_ID"
        }
        code if code.starts_with("Throttling") => "too many calls from this account: wait and try again",
        code if code.starts_with("InvalidParameter") => "the words of the answer say which parameter is wrong",
        "InternalError" | "ServiceUnavailable" => "Alibaba Cloud has a problem: try again later",
        _ => "see Alibaba Cloud's page \"Service error codes\", and name the request id to its support",
    }
}

/// Whether a code says that the call was turned away before anything was done.
pub(super) fn is_throttle(code: &str) -> bool {
    code.starts_with("Throttling") || code == "System.LimitControl"
}
