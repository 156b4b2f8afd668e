//! The languages of templates: those that WhatsApp lists, and others that NXLink lists.

/// The codes in Meta's list of supported languages for templates.
const WHATSAPP: &[&str] = &[
    "af", "sq", "ar", "ar_EG", "ar_AE", "ar_LB", "ar_MA", "ar_QA", "az", "be_BY", "bn", "bn_IN", "bg", "ca", "zh_CN",
    "zh_HK", "zh_TW", "hr", "cs", "da", "prs_AF", "nl", "nl_BE", "en", "en_GB", "en_US", "en_AE", "en_AU", "en_CA",
    "en_GH", "en_IE", "en_IN", "en_JM", "en_MY", "en_NZ", "en_QA", "en_SG", "en_UG", "en_ZA", "et", "fil", "fi", "fr",
    "fr_BE", "fr_CA", "fr_CH", "fr_CI", "fr_MA", "ka", "de", "de_AT", "de_CH", "el", "gu", "ha", "he", "hi", "hu",
    "id", "ga", "it", "ja", "kn", "kk", "rw_RW", "ko", "ky_KG", "lo", "lv", "lt", "mk", "ms", "ml", "mr", "nb",
    "ps_AF", "fa", "pl", "pt_BR", "pt_PT", "pa", "ro", "ru", "sr", "si_LK", "sk", "sl", "es", "es_AR", "es_CL",
    "es_CO", "es_CR", "es_DO", "es_EC", "es_HN", "es_MX", "es_PA", "es_PE", "es_ES", "es_UY", "sw", "sv", "ta", "te",
    "th", "tr", "uk", "ur", "uz", "vi", "zu",
];

/// Codes that are only in NXLink's documentation, whose table is incomplete.
const NXLINK: &[&str] = &["cy", "jv", "km", "la", "pt", "zh_KR"];

/// Returns every documented code.
fn known() -> impl Iterator<Item = &'static str> {
    WHATSAPP.iter().chain(NXLINK).copied()
}

/// Whether this code is documented.
pub(super) fn is_known(code: &str) -> bool {
    known().any(|known| known == code)
}

/// Returns the codes with the same language.
pub(super) fn like(code: &str) -> Vec<&'static str> {
    let language = |code: &str| code.split('_').next().map(str::to_owned);
    known().filter(|known| language(known) == language(code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes in the table of NXLink's document.
    const TABLE: &str = "af he ml te zu sq hi mr tr ar hu nb uk az id fa ur bn ga pl uz bg it pt vi ca ja pt_BR cy zh_CN \
        jv pa zh_HK zh_TW kn ro zh_KR hr kk ru cs km sr da ko sk nl lo sl en la es en_GB lv es_AR en_US lt es_ES et mk sw";

    #[test]
    fn every_code_of_a_document_is_known_once() {
        let known: Vec<&str> = known().collect();
        for code in TABLE.split_whitespace() {
            assert_eq!(known.iter().filter(|known| **known == code).count(), 1, "{code}");
        }
        for code in &known {
            assert_eq!(known.iter().filter(|other| other == &code).count(), 1, "{code}");
        }
    }
}
