//! Which files, numbers, texts and messages are taken, and with which words the others are refused.

mod characters; // invisible and active characters are neither sent nor printed
mod csv_forms; // every way to write a recipient list gives the same numbers
mod doubtful_values; // spreadsheet errors, wrong encodings, landlines, times that have passed, broken links
mod media_links; // `check --media` reports what the servers of media files answer
mod providers; // one campaign file for several providers
mod refused_messages; // a message that breaks a documented limit is refused before anything is sent
mod regular_files; // pipes, devices and folders are refused at once
mod spreadsheets; // a spreadsheet gives the same messages as the same list as CSV
