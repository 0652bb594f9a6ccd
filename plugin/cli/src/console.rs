//! Lines on standard output and standard error, whoever still reads them.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Writes `line` to standard output. Nobody reading on (`idm … | head`) is no error:
/// the files are what a run is for.
///
/// # Errors
/// Any other failure, such as a full disk.
pub fn print(line: impl Display) -> io::Result<()> {
    write_line(&mut io::stdout().lock(), line)
}

/// Writes `line` to standard error. There is nobody left to tell if that fails.
pub fn complain(line: impl Display) {
    let _ = write_line(&mut io::stderr().lock(), line);
}

fn write_line(to: &mut impl Write, line: impl Display) -> io::Result<()> {
    match writeln!(to, "{line}") {
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
        assert!(write_line(&mut Failing(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write_line(&mut Failing(ErrorKind::StorageFull), "x").is_err());
    }
}
