use super::*;
use crate::learner::as_kept;

fn kit() -> LearntKit {
    let mut seed = 1_u32;
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut sound = |frames: usize, channels: usize| {
        let made = (0..channels)
            .map(|_| {
                (0..frames)
                    .map(|n| noise() * 0.9 * (-(n as f32) / 0.2 / frames as f32).exp())
                    .collect()
            })
            .collect();
        let one_shot = OneShot::new(48_000.0, made).unwrap();
        Arc::new(as_kept(&one_shot).unwrap())
    };
    let layer = |top_velocity, one_shot: Arc<OneShot>| LearntLayer {
        top_velocity,
        one_shot: Arc::new(
            one_shot
                .as_ref()
                .clone()
                .with_lead(0.01 * top_velocity - 0.004),
        ),
    };
    LearntKit {
        drums: vec![
            LearntDrum {
                drum: Drum::Snare,
                layers: vec![layer(0.55, sound(9_001, 1)), layer(1.0, sound(20_000, 2))],
                hits: 12,
                confidence: 0.75,
            },
            LearntDrum {
                drum: Drum::Ride,
                layers: vec![layer(1.0, sound(150_000, 2))],
                hits: 1,
                confidence: 0.2,
            },
        ],
        embedding: vec![0.25, -3.5, 1e-8],
    }
}

#[test]
fn a_kit_comes_back_to_the_bit() {
    let kit = kit();
    let bytes = encode_kit(&kit);
    assert_eq!(decode_kit(&bytes).unwrap(), kit);
    let samples = 9_001 + 40_000 + 300_000;
    assert!(bytes.len() < 2 * samples * 7 / 10, "{} bytes", bytes.len());
    assert!(decode_kit(&[]).unwrap().is_empty());
    assert!(encode_kit(&LearntKit::default()).is_empty());
}

#[test]
fn a_kit_without_leads_is_read_too() {
    let mut kit = kit();
    kit.embedding.clear();
    kit.drums.truncate(1);
    for layer in &mut kit.drums[0].layers {
        layer.one_shot = Arc::new(layer.one_shot.as_ref().clone().with_lead(0.0));
    }
    // Everything is whole bytes up to the samples of a one-shot; a lead, of four, follows a
    // layer's velocity.
    kit.drums[0].layers.truncate(1);
    let mut bytes = encode_kit(&kit);
    bytes.truncate(bytes.len() - 4);
    let lead = 8 + 2 + 1 + 1 + 4 + 4 + 1 + 4;
    assert_eq!(bytes[lead..lead + 4], [0; 4]);
    bytes.drain(lead..lead + 4);
    bytes[7] = VERSION_WITHOUT_LEADS;
    let sum = checksum(&bytes);
    bytes.extend(sum.to_le_bytes());
    let layer = &mut kit.drums[0].layers[0];
    let lead_s = usual_lead_s(&layer.one_shot);
    assert!(lead_s > 0.0);
    layer.one_shot = Arc::new(layer.one_shot.as_ref().clone().with_lead(lead_s));
    assert_eq!(decode_kit(&bytes).unwrap(), kit);
    bytes[7] = 3;
    assert!(matches!(decode_kit(&bytes), Err(KitError::Magic { .. })));
}

#[test]
fn extreme_samples_survive() {
    for samples in [
        vec![1.0, -1.0, 1.0, -1.0],
        vec![0.0; 5],
        vec![1e-12],
        vec![1.0; 1_000],
    ] {
        let one_shot = OneShot::new(44_100.0, vec![samples]).unwrap();
        let kept = as_kept(&one_shot).unwrap();
        assert_eq!(kept, as_kept(&kept).unwrap(), "kept twice is kept once");
        let mut kit = kit();
        kit.drums[0].layers[0].one_shot = Arc::new(kept);
        assert_eq!(decode_kit(&encode_kit(&kit)).unwrap(), kit);
    }
}

#[test]
fn damage_is_told() {
    let bytes = encode_kit(&kit());
    for at in [0, 9, 100, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(decode_kit(&damaged).is_err(), "byte {at}");
    }
    for length in [1, 7, 8, 11, 40, bytes.len() - 1] {
        assert!(decode_kit(&bytes[..length]).is_err(), "{length} bytes");
    }
    // Damage with the right checksum is contained too.
    for seed in 0..200_u32 {
        let mut damaged = bytes[..bytes.len() - 4].to_vec();
        let at = 8 + (seed as usize * 7_919) % 300;
        damaged[at] = damaged[at].wrapping_add(1 + seed as u8);
        let sum = checksum(&damaged);
        damaged.extend(sum.to_le_bytes());
        if let Err(error) = decode_kit(&damaged) {
            assert!(error.to_string().contains("kit"), "{error}");
        }
    }
    let error = decode_kit(b"RIFF....").unwrap_err().to_string();
    assert!(
        error.contains("RIFF") && error.contains("IDM kit"),
        "{error}"
    );
}

#[test]
fn sounds_that_no_kit_has_are_refused() {
    let mut kit = kit();
    kit.embedding.clear();
    kit.drums.truncate(1);
    kit.drums[0].layers.truncate(1);
    let bytes = encode_kit(&kit);
    // Behind magic, version, counts, drum, hits, confidence, velocity and lead.
    let rate = 8 + 2 + 1 + 1 + 4 + 4 + 1 + 4 + 4;
    let changed = |place: usize, new: &[u8]| {
        let mut bytes = bytes[..bytes.len() - 4].to_vec();
        bytes[place..place + new.len()].copy_from_slice(new);
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        decode_kit(&bytes).map_err(|error| error.to_string())
    };
    assert_eq!(changed(rate, &48_000_f64.to_be_bytes()), Ok(kit.clone()));
    let error = changed(rate + 8, &1e20_f32.to_be_bytes()).unwrap_err();
    assert!(error.contains("the peak of a one-shot"), "{error}");
    let error = changed(rate + 13, &400_000_u32.to_be_bytes()).unwrap_err();
    assert!(error.contains("more than 384000"), "{error}");
}
