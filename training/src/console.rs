//! Lines on standard output and standard error, whoever still reads them.

use std::collections::BTreeSet;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

/// Prints a line as `println!` does, by [`console::line`](crate::console::line).
macro_rules! say {
    ($($text:tt)*) => {
        $crate::console::line(format_args!($($text)*))
    };
}

/// Prints a line as `eprintln!` does, by [`console::complain`](crate::console::complain).
macro_rules! complain {
    ($($text:tt)*) => {
        $crate::console::complain(format_args!($($text)*))
    };
}

/// Writes a line to standard output. Nobody reading on (`idm-train … | head`) is no
/// error: hours of training go on and are saved. Any other failure is told on standard
/// error, for the same reason.
pub fn line(text: Arguments<'_>) {
    if let Err(error) = write_line(&mut io::stdout().lock(), text) {
        complain(format_args!("idm-train: standard output: {error}"));
    }
}

/// Writes a line to standard error. There is nobody left to tell if that fails.
pub fn complain(text: Arguments<'_>) {
    let _ = write_line(&mut io::stderr().lock(), text);
}

/// Writes `text` to standard error, unless this was written before: material is opened for
/// training and for validation, and what is said of it is said once.
pub fn remark(text: String) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if !told.contains(&text) {
        complain(format_args!("{text}"));
        told.insert(text);
    }
}

/// `value` with so many digits after the point, a dash if there is none. Allocates.
pub fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn write_line(to: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    match writeln!(to, "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails with an error of this kind.
    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_reader_who_left_is_forgiven() {
        let write = |kind| write_line(&mut Failing(kind), format_args!("x"));
        assert!(write(ErrorKind::BrokenPipe).is_ok());
        assert!(write(ErrorKind::StorageFull).is_err());
    }
}
