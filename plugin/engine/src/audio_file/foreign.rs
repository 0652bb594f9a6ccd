//! Names of the formats that are not read, so that a message can say what a file is.

/// What is looked at of a file.
pub const LOOKED_AT_BYTES: usize = 64;

/// What a file that begins with `start` is, if that is known and not read.
pub fn name(start: &[u8]) -> Option<&'static str> {
    let begins = |mark: &[u8]| start.starts_with(mark);
    let has = |at: usize, mark: &[u8]| start.get(at..at + mark.len()) == Some(mark);
    let form = |kind: &[u8]| begins(b"RIFF") && has(8, kind);
    let known: [(bool, &str); 22] = [
        (begins(b"OggS") && has(28, b"OpusHead"), "Opus in Ogg"),
        (begins(b"OggS") && has(28, b"Speex"), "Speex in Ogg"),
        (
            begins(b"OggS") && has(28, b"\x80theora"),
            "a video (Theora)",
        ),
        (
            begins(b"\x30\x26\xB2\x75\x8E\x66\xCF\x11"),
            "Windows Media (WMA)",
        ),
        (begins(b"riff\x2E\x91\xCF\x11"), "Wave64 (W64)"),
        (begins(b"\x1A\x45\xDF\xA3"), "Matroska or WebM"),
        (begins(b"wvpk"), "WavPack"),
        (begins(b"MAC "), "Monkey's Audio (APE)"),
        (begins(b"TTA1") || begins(b"TTA2"), "True Audio (TTA)"),
        (begins(b"MPCK") || begins(b"MP+"), "Musepack"),
        (begins(b".snd"), "Sun audio (AU)"),
        (begins(b"DSD ") || begins(b"FRM8"), "DSD"),
        (begins(b"CAT ") && has(8, b"REX2"), "a REX loop"),
        (begins(b"FORM") && has(8, b"8SVX"), "8SVX"),
        (begins(b"#!AMR"), "AMR"),
        (begins(b"\x0B\x77"), "Dolby Digital (AC-3)"),
        (begins(b"\x7F\xFE\x80\x01"), "DTS"),
        (begins(b"\x47\x40"), "an MPEG transport stream"),
        (begins(b"\0\0\x01\xBA"), "an MPEG video"),
        (begins(b"FLV\x01"), "a Flash video"),
        (form(b"AVI "), "a video (AVI)"),
        (is_mp2(start), "MP2"),
    ];
    let known = known.into_iter().find(|(is_it, _)| *is_it);
    known.map(|(_, name)| name)
}

/// Whether a file begins with a packet of MPEG audio of the layers before MP3.
fn is_mp2(start: &[u8]) -> bool {
    let &[0xFF, second, third, ..] = start else {
        return false;
    };
    // The sync word, a layer of its own number, and a rate that exists.
    second & 0xE0 == 0xE0 && [2, 3].contains(&(second >> 1 & 3)) && third >> 4 != 15
}

/// The name of a codec that a track of an MP4 or CAF file says it has, if that is not decoded.
pub fn codec_name(codec: [u8; 4]) -> Option<&'static str> {
    Some(match &codec {
        b"Opus" | b"opus" => "Opus",
        b"ac-3" | b"ec-3" | b"ec+3" => "Dolby Digital (AC-3)",
        b"samr" | b"sawb" => "AMR",
        b".mp1" | b".mp2" => "MP2",
        b".mp3" => "MP3",
        b"aach" | b"aacp" => HE_AAC,
        b"aacl" | b"aace" => "low-delay AAC",
        b"usac" => "xHE-AAC",
        b"QDM2" | b"QDMC" => "QDesign Music",
        b"MAC3" | b"MAC6" => "MACE",
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" => "DTS",
        b"drms" | b"enca" => "encrypted audio",
        _ => return None,
    })
}

/// What AAC of the second generation is called.
pub const HE_AAC: &str = "HE-AAC (AAC for low bit rates)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_has_no_name_here() {
        let mut ogg = b"OggS".to_vec();
        ogg.resize(28, 0);
        ogg.extend(b"\x01vorbis");
        let read: [&[u8]; 9] = [
            b"RIFF....WAVEfmt ",
            b"RF64....WAVEds64",
            b"FORM....AIFCFVER",
            b"fLaC",
            b"caff\0\x01",
            b"\0\0\0\x1CftypM4A ",
            b"\xFF\xFB\x90\x64",
            b"\xFF\xF1\x50\x80",
            &ogg,
        ];
        for start in read {
            assert_eq!(name(start), None, "{}", start.escape_ascii());
        }
        assert_eq!(name(b""), None);
        assert_eq!(name(b"\xFF\xFD\xA4\x04"), Some("MP2"));
        ogg.truncate(28);
        ogg.extend(b"OpusHead");
        assert_eq!(name(&ogg), Some("Opus in Ogg"));
    }
}
