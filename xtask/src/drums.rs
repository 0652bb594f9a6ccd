//! The nine drums as users of the plugin see them: names, notes, colours.

/// One drum, in the plugin's frozen order.
#[derive(Debug, Clone, Copy)]
pub struct Drum {
    /// Name of its bus.
    pub name: &'static str,
    /// MIDI key that the plugin sends by default.
    pub key: u8,
    /// Colour in pictures.
    pub rgb: [u8; 3],
}

/// All drums: bus `n + 1` of the plugin carries drum `n`.
pub const DRUMS: [Drum; 9] = [
    drum("Kick", 36, [236, 92, 82]),
    drum("Snare", 38, [245, 166, 66]),
    drum("Closed hat", 42, [240, 214, 92]),
    drum("Open hat", 46, [182, 212, 92]),
    drum("High tom", 48, [98, 200, 120]),
    drum("Mid tom", 47, [72, 190, 180]),
    drum("Floor tom", 43, [84, 160, 230]),
    drum("Crash", 49, [142, 132, 238]),
    drum("Ride", 51, [214, 120, 214]),
];

const fn drum(name: &'static str, key: u8, rgb: [u8; 3]) -> Drum {
    Drum { name, key, rgb }
}

/// The drum whose default note is `key`.
pub fn by_key(key: u8) -> Option<usize> {
    DRUMS.iter().position(|drum| drum.key == key)
}
