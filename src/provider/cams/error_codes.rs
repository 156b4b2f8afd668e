//! CAMS's error codes with advice, including those of its gateway.

/// Returns what to do about an error code.
#[must_use]
pub fn advice(code: &str) -> &'static str {
    match code {
        "Product.Unsubscript" => "subscribe to Chat App Message Service in the Alibaba Cloud console",
        "Ram.PermissionDeny" | "Forbidden.RAM" | "Authentication.NoAuth" | "NoPermission" => {
            "grant the RAM user the actions cams:*ChatappTemplate"
        }
        "Unknown.ResourceOwnerId" => "the template belongs to another account: check CAMS_CUST_SPACE_ID",
        "System.LimitControl" => "too many calls from this account: wait and try again",
        "SignatureDoesNotMatch" | "IncompleteSignature" => "check ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "InvalidAccessKeyId.NotFound" | "InvalidAccessKeyId.Inactive" => "check ALIBABA_CLOUD_ACCESS_KEY_ID",
        "SignatureNonceUsed" => {
            "a request with this nonce was already received: check whether it took effect, then try again"
        }
        "InvalidTimeStamp.Expired" => "this machine's clock is more than 15 minutes off: correct it",
        "InvalidParameter.MessageInvalid" => "CAMS requires variables with names: write {{first_name}}, not {{1}}",
        "InvalidParameter.FooterHaveVariable" => "remove the variable from the footer",
        "InvalidParameter.HeaderMoreVarable" => "leave at most one variable in the header",
        "InvalidParameter.HeaderTypeNotSupport" => "use TEXT, IMAGE, VIDEO or DOCUMENT as the header's format",
        "InvalidParameter.ButtonTextHaveVariable" => "remove the variable from the button's label",
        "InvalidParameter.UrlMoreVarable" => "leave at most one variable in a button's URL",
        "InvalidParameter.PhoneNumberError" => "write the button's number with `+` and country code",
        "InvalidParameter.TemplateNameExist" => {
            "a template with this name and language already exists: compare it with `templates diff`, or change it with `templates update`"
        }
        "InvalidParameter.LanguageNotSupport" => "use a language code that WhatsApp supports, such as `en_US`",
        "InvalidParameter.TemplateStatusNotAllowModify" => {
            "only templates that were rejected or have not been reviewed yet can be changed: create one with another name"
        }
        code if code.ends_with("TemplateNotExist") => {
            "template not found: check its name, its language and CAMS_CUST_SPACE_ID"
        }
        code if code.starts_with("Throttling") => "too many calls from this account: wait and try again",
        code if code.starts_with("InvalidParameter") => "the message above says which parameter is wrong",
        "InternalError" | "ServiceUnavailable" => "Alibaba Cloud has a problem: try again later",
        _ => "see Alibaba Cloud's page \"Service error codes\", or contact its support with the request id",
    }
}

/// Whether a code means that the call was rejected before it had any effect.
pub(super) fn is_throttle(code: &str) -> bool {
    code.starts_with("Throttling") || code == "System.LimitControl"
}
