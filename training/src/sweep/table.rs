//! Outcomes as tables.

use std::fmt::Write;

use anyhow::Result;
use idm_engine::drum::Group;

use super::Outcome;
use crate::{console::figure, network::Head};

fn header() -> Vec<String> {
    let mut header: Vec<String> = ["run", "steps", "minutes"].map(str::to_owned).into();
    header.extend(Head::ALL.map(|head| format!("F {}", head.name())));
    header.extend(Group::ALL.map(|group| format!("F {}", group.name())));
    header.extend(["masks dB", "silent dB", "audio-s/s", "weights"].map(str::to_owned));
    header
}

fn row(outcome: &Outcome) -> Vec<String> {
    let mut row = vec![
        outcome.name.clone(),
        outcome.steps.to_string(),
        format!("{:.1}", outcome.minutes),
    ];
    row.extend(outcome.head_f.map(|f| figure(f, 3)));
    row.extend(outcome.group_f.map(|f| figure(f, 2)));
    row.push(format!("{:.2}", outcome.mask_db));
    row.push(format!("{:.1}", outcome.silent_db));
    row.push(format!("{:.1}", outcome.audio_s_per_s));
    row.push(outcome.parameters.to_string());
    row
}

/// `outcomes` as a Markdown table. Allocates.
pub fn markdown_table(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
    };
    let header = header();
    line(&header);
    let ruler = |n: usize| if n == 0 { "---" } else { "---:" }.to_owned();
    line(&(0..header.len()).map(ruler).collect::<Vec<_>>());
    for outcome in outcomes {
        line(&row(outcome));
    }
    text
}

/// `outcomes` as CSV. Allocates.
///
/// # Errors
/// None in practice: writing to memory.
pub fn csv_table(outcomes: &[Outcome]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header())?;
    for outcome in outcomes {
        writer.write_record(row(outcome))?;
    }
    Ok(writer.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_row_per_run_and_a_cell_per_column() {
        let outcome = Outcome {
            name: "a|b, c".into(),
            config_hash: String::new(),
            steps: 10,
            minutes: 1.25,
            head_f: [0.4, 0.5, 0.6].map(Some),
            group_f: [Some(0.1), None, Some(0.3), Some(0.4), Some(0.5)],
            mask_db: -3.456,
            silent_db: -20.0,
            audio_s_per_s: 30.0,
            parameters: 1234,
        };
        let markdown = markdown_table(&[outcome.clone(), outcome.clone()]);
        assert_eq!(markdown.lines().count(), 4);
        assert!(
            markdown.contains("| a\\|b, c | 10 | 1.2 | 0.400 | 0.500 | 0.600 | 0.10 | – | 0.30 |"),
            "{markdown}"
        );
        let text = String::from_utf8(csv_table(&[outcome]).unwrap()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().unwrap().len();
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!((row.len(), columns), (15, 15));
        assert_eq!(&row[0], "a|b, c");
        assert_eq!(&row[11], "-3.46");
    }
}
