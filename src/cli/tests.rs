//! The command line is consistent, and the documents show commands that exist.

use clap::error::ErrorKind;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

/// The commands in a document: lines of code blocks, and code within a sentence.
fn shown(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let line = line.trim_start().trim_start_matches("$ ");
            // Variables before the command.
            let words = line.split(' ').skip_while(|word| word.contains('=') && !word.starts_with("--"));
            commands.push(words.collect::<Vec<_>>().join(" ").replace("cargo run --release -- ", "campaigner "));
        } else {
            commands.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    for command in &mut commands {
        // What a shell does with it.
        for end in [" | ", " 2> ", " > ", " && ", "; ", "  #", " # "] {
            command.truncate(command.find(end).unwrap_or(command.len()));
        }
    }
    commands.retain(|command| command.starts_with("campaigner ") && !command.contains(['…', '|', '[']));
    commands
}

/// Words, and texts in quotes, with something real for each placeholder.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, part) in command.split('"').enumerate() {
        match n % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    for word in &mut words {
        let real = match word.as_str() {
            "RUN" | "NAME-N" => "job-1",
            "RATE" => "80/s",
            "N" => "1",
            "NUMBER" => "+85264000001",
            "CODE" => "131026",
            "COMMAND" => "run",
            _ => continue,
        };
        real.clone_into(word);
    }
    words
}

#[test]
fn every_command_that_a_document_shows_is_one() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|page| page.unwrap().path());
    let at_the_root = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name));
    let mut checked = 0;
    for page in pages.chain(at_the_root).filter(|page| page.extension().is_some_and(|end| end == "md")) {
        for command in shown(&std::fs::read_to_string(&page).unwrap()) {
            checked += 1;
            let Err(error) = Cli::try_parse_from(words(&command)) else { continue };
            // A sentence may name a command without its arguments.
            let is_cut_short = [
                ErrorKind::MissingRequiredArgument,
                ErrorKind::MissingSubcommand,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                ErrorKind::DisplayHelp,
                ErrorKind::DisplayVersion,
            ];
            assert!(is_cut_short.contains(&error.kind()), "{}: `{command}`: {error}", page.display());
        }
    }
    assert!(checked > 60, "{checked}");
}
