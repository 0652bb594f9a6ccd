//! PNG files from pixels.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use plotters::prelude::{BitMapBackend, DrawingBackend};

/// Writes `rgb` (rows of 3-byte pixels, top first) as PNG.
pub fn write(path: &Path, width: u32, height: u32, rgb: &[u8]) -> Result<()> {
    let expected = (width * height * 3) as usize;
    ensure!(
        rgb.len() == expected,
        "expected {expected} bytes of pixels, found {}",
        rgb.len()
    );
    ensure!(
        path.extension().is_some_and(|extension| extension == "png"),
        "{}: expected a name ending in .png",
        path.display()
    );
    let mut backend = BitMapBackend::new(path, (width, height));
    backend
        .blit_bitmap((0, 0), (width, height), rgb)
        .and_then(|()| backend.present())
        .with_context(|| format!("{}: cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dot.png");
        write(&path, 2, 1, &[255, 0, 0, 0, 0, 255]).expect("writes");
        let bytes = std::fs::read(&path).expect("reads");
        assert_eq!(&bytes[1..4], b"PNG");
        assert!(write(&path, 2, 2, &[0; 6]).is_err(), "too few pixels");
        assert!(write(&folder.path().join("dot"), 1, 1, &[0; 3]).is_err());
    }
}
