//! Finds what a spreadsheet writes into a cell instead of a value.

/// The errors of Excel, LibreOffice and Google Sheets in the languages in which Excel translates them, without the `#`
/// in front, and without `¡`, `¿`, `!` and `?`.
const ERRORS: [&str; 89] = [
    // English, and those of all languages.
    "NULL",
    "DIV/0",
    "VALUE",
    "REF",
    "NAME",
    "NUM",
    "N/A",
    "SPILL",
    "CALC",
    "FIELD",
    "BLOCKED",
    "CONNECT",
    "UNKNOWN",
    "BUSY",
    "PYTHON",
    "EXTERNAL",
    "TIMEOUT",
    "ERROR",
    "GETTING_DATA",
    // German.
    "WERT",
    "BEZUG",
    "ZAHL",
    "NV",
    "ÜBERLAUF",
    "KALK",
    "FELD",
    // French.
    "NUL",
    "VALEUR",
    "NOM",
    "NOMBRE",
    "PROPAGATION",
    "EPARS",
    "CHAMP",
    // Spanish.
    "NULO",
    "VALOR",
    "DESBORDAMIENTO",
    // Italian, Portuguese.
    "NULLO",
    "VALORE",
    "RIF",
    "NOME",
    "N/D",
    "ESPANSIONE",
    "NÚM",
    "DESPEJAR",
    // Dutch.
    "LEEG",
    "DEEL/0",
    "WAARDE",
    "VERW",
    "NAAM",
    "GETAL",
    "N/B",
    "OVERLOOP",
    // Polish.
    "ZERO",
    "DZIEL/0",
    "ARG",
    "ADR",
    "NAZWA",
    "LICZBA",
    // Russian.
    "ПУСТО",
    "ДЕЛ/0",
    "ЗНАЧ",
    "ССЫЛКА",
    "ИМЯ",
    "ЧИСЛО",
    "Н/Д",
    // Swedish, Norwegian, Danish, Finnish.
    "SKÄRNING",
    "DIVISION/0",
    "VÄRDEFEL",
    "REFERENS",
    "NAMN",
    "OGILTIGT",
    "SAKNAS",
    "VERDI",
    "NAVN",
    "I/T",
    "VÆRDI",
    "REFERENCE",
    "TYHJÄ",
    "JAKO/0",
    "ARVO",
    "VIITTAUS",
    "NIMI",
    "LUKU",
    "PUUTTUU",
    // Hungarian, Turkish.
    "NULLA",
    "ZÉRÓOSZTÓ",
    "ÉRTÉK",
    "HIV",
    "NÉV",
];

/// Whether a cell contains only an error of a spreadsheet, such as `#N/A`, `#BEZUG!` or `Err:502`, or the `####` of a
/// column that was too narrow.
#[must_use]
pub fn is_sheet_error(cell: &str) -> bool {
    // Nearly all cells start with another visible character.
    if cell.bytes().next().is_none_or(|first| first.is_ascii_graphic() && !matches!(first, b'#' | b'E')) {
        return false;
    }
    let cell = cell.trim();
    if let Some(code) = cell.strip_prefix("Err:") {
        return code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(name) = cell.strip_prefix('#') else { return false };
    if name.bytes().all(|byte| byte == b'#') {
        // A single `#` is a text.
        return !name.is_empty();
    }
    let name = name.trim_start_matches(['¡', '¿']);
    let name = name.strip_suffix(['!', '?']).unwrap_or(name);
    ERRORS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_spreadsheets_are_found_in_every_language() {
        for cell in [
            "#N/A",
            " #N/A ",
            "#REF!",
            "#REF",
            "#VALUE!",
            "#DIV/0!",
            "#NAME?",
            "#NULL!",
            "#NUM!",
            "#SPILL!",
            "#CALC!",
            "#NV",
            "#BEZUG!",
            "#WERT!",
            "#ZAHL!",
            "#N/D",
            "#VALEUR!",
            "#NOMBRE!",
            "#¡VALOR!",
            "#¿NOMBRE?",
            "#ССЫЛКА!",
            "##",
            "########",
            "Err:502",
        ] {
            assert!(is_sheet_error(cell), "{cell}");
        }
    }

    #[test]
    fn texts_that_look_alike_are_texts() {
        for cell in
            ["", "#", "#1", "#SALE!", "#VIP", "#N/A and more", "5 #", "N/A", "REF!", "#ref", "# #", "Err:", "Err: 502"]
        {
            assert!(!is_sheet_error(cell), "{cell}");
        }
    }
}
