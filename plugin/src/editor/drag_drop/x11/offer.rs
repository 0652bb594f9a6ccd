//! The file that is dragged out, as others ask for it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, EventMask, PropMode, SELECTION_NOTIFY_EVENT,
    SelectionNotifyEvent, SelectionRequestEvent,
};
use x11rb::wrapper::ConnectionExt as _;

use super::wire::{Atoms, Wire};

/// What stands for itself in the path of an address.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// As what the file can be had.
pub fn types(atoms: &Atoms) -> [Atom; 3] {
    [atoms.UriList, atoms.Utf8Text, atoms.PlainText]
}

/// The address of a local file.
fn address(path: &Path) -> String {
    let path = percent_encode(path.as_os_str().as_bytes(), KEPT);
    format!("file://{path}\r\n")
}

/// The files that were dragged last: some ask for them long after they were dropped.
#[derive(Debug, Default)]
pub struct Offer(pub Vec<PathBuf>);

impl Offer {
    /// What there is for somebody who asks for `target`: bytes of that type, if any.
    fn content(&self, atoms: &Atoms, target: Atom) -> Option<Vec<u8>> {
        let files = self.0.iter();
        if self.0.is_empty() {
            None
        } else if target == atoms.UriList {
            let addresses: String = files.map(|path| address(path)).collect();
            Some(addresses.into_bytes())
        } else if target == atoms.Utf8Text || target == atoms.PlainText {
            let paths: Vec<&[u8]> = files.map(|path| path.as_os_str().as_bytes()).collect();
            Some(paths.join(&b'\n'))
        } else {
            None
        }
    }

    /// Answers somebody who asks.
    pub fn answer(
        &self,
        wire: &Wire<'_>,
        request: &SelectionRequestEvent,
    ) -> Result<(), ConnectionError> {
        let (connection, atoms) = (wire.connection, wire.atoms);
        let (asker, target) = (request.requestor, request.target);
        // Programs of old leave the property out.
        let property = match request.property {
            x11rb::NONE => target,
            property => property,
        };
        let is_ours = request.selection == atoms.XdndSelection;
        let content = self.content(atoms, target).filter(|_| is_ours);
        let mut answered = property;
        if is_ours && target == atoms.TARGETS && !self.0.is_empty() {
            let [a, b, c] = types(atoms);
            let list = [atoms.TARGETS, a, b, c];
            connection.change_property32(
                PropMode::REPLACE,
                asker,
                property,
                AtomEnum::ATOM,
                &list,
            )?;
        } else if let Some(content) = content {
            connection.change_property8(PropMode::REPLACE, asker, property, target, &content)?;
        } else {
            answered = x11rb::NONE;
        }
        let event = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: asker,
            selection: request.selection,
            target,
            property: answered,
        };
        connection.send_event(false, asker, EventMask::NO_EVENT, event)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::tests::atoms;
    use super::*;
    use crate::editor::drag_drop::Files;

    #[test]
    fn addresses_lead_back_to_their_files() {
        let path = Path::new("/home/me/Music/Inverse Drum Machine/Hits 1 – 50 %.mid");
        let text = address(path);
        assert!(text.starts_with("file:///home/me/Music/Inverse%20Drum%20Machine/Hits%201"));
        assert!(text.ends_with("50%20%25.mid\r\n"), "{text}");
        assert_eq!(Files::of(&text).0[0].0, path);
    }

    #[test]
    fn files_are_addresses_or_paths_and_without_any_there_is_nothing() {
        let atoms = atoms();
        let content = |offer: &Offer, target| offer.content(&atoms, target);
        let one = Offer(vec!["/a b".into()]);
        assert_eq!(content(&one, atoms.UriList).unwrap(), b"file:///a%20b\r\n");
        assert_eq!(content(&one, atoms.PlainText).unwrap(), b"/a b");
        assert_eq!(content(&one, atoms.XdndAware), None);
        let both = Offer(vec!["/a b".into(), "/c".into()]);
        let addresses = b"file:///a%20b\r\nfile:///c\r\n";
        assert_eq!(content(&both, atoms.UriList).unwrap(), addresses);
        assert_eq!(content(&both, atoms.Utf8Text).unwrap(), b"/a b\n/c");
        assert_eq!(content(&Offer::default(), atoms.UriList), None);
    }
}
