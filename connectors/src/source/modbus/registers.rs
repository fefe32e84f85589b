//! From registers to a number: type, byte order, scale, sentinels, status word. Pure.

use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::PointState;

use crate::config::{ByteOrder, ModbusField, NumberType};
use crate::payload::number::{Scaling, beside_state, state_of};

/// The raw number in `words`, which are as many as the type is wide. 64-bit integers beyond 2⁵³ lose their last digits.
pub(super) fn raw(kind: NumberType, order: ByteOrder, words: &[u16]) -> Option<f64> {
    let mut bytes = [0; 8];
    let width = usize::from(kind.width());
    if words.len() != width {
        return None;
    }
    // For 16 bits an order of words means nothing; that of bytes does.
    let swaps_words = matches!(order, ByteOrder::Cdab | ByteOrder::Dcba);
    let swaps_bytes = matches!(order, ByteOrder::Badc | ByteOrder::Dcba);
    for (place, pair) in bytes.as_chunks_mut::<2>().0.iter_mut().take(width).enumerate() {
        let word = words[if swaps_words { width - 1 - place } else { place }];
        *pair = if swaps_bytes { word.to_le_bytes() } else { word.to_be_bytes() };
    }
    let [a, b, c, d, ..] = bytes;
    #[expect(clippy::cast_precision_loss, reason = "stated above")]
    Some(match kind {
        NumberType::Bit => f64::from(u8::from(words[0] != 0)),
        NumberType::Int16 => f64::from(i16::from_be_bytes([a, b])),
        NumberType::Uint16 => f64::from(u16::from_be_bytes([a, b])),
        NumberType::Int32 => f64::from(i32::from_be_bytes([a, b, c, d])),
        NumberType::Uint32 => f64::from(u32::from_be_bytes([a, b, c, d])),
        NumberType::Float32 => f64::from(f32::from_be_bytes([a, b, c, d])),
        NumberType::Int64 => i64::from_be_bytes(bytes) as f64,
        NumberType::Uint64 => u64::from_be_bytes(bytes) as f64,
        NumberType::Float64 => f64::from_be_bytes(bytes),
    })
}

/// A field's value and state. `block` is what was read from `begin` on; the field lies within it, or it is absent.
pub(super) fn value(field: &ModbusField, begin: u16, block: &[u16]) -> (Result<Finite, Bad>, PointState) {
    let part = |address: u16, width: u16| {
        let from = usize::from(address.checked_sub(begin)?);
        block.get(from..from + usize::from(width))
    };
    // A word that is none of the known codes is not "normal".
    let state = field.state_address.map_or(PointState::Normal, |address| {
        part(address, 1).and_then(|word| state_of(f64::from(word[0]))).unwrap_or(PointState::SensorFault)
    });
    let scaling = Scaling::new(field.scale, field.offset, &field.sentinels);
    let value = part(field.address, field.kind.width())
        .and_then(|words| raw(field.kind, field.byte_order, words))
        .ok_or(Bad::Absent)
        .and_then(|raw| scaling.apply(raw));
    (beside_state(value, state), state)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    const ORDERS: [ByteOrder; 4] = [ByteOrder::Abcd, ByteOrder::Cdab, ByteOrder::Badc, ByteOrder::Dcba];

    fn words(hex: u32) -> [u16; 2] {
        let [a, b, c, d] = hex.to_be_bytes();
        [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
    }

    #[test]
    fn the_vectors_of_real_devices() {
        // Floats of 32 bits in ABCD, CDAB, BADC, DCBA; the last is the FieldLogger's register 774.
        for (value, orders) in [
            (1.25_f32, [0x3FA0_0000, 0x0000_3FA0, 0xA03F_0000, 0x0000_A03F]),
            (53.102, [0x4254_6873, 0x6873_4254, 0x5442_7368, 0x7368_5442]),
            (-3.75, [0xC070_0000, 0x0000_C070, 0x70C0_0000, 0x0000_70C0]),
            (123_456.125, [0x47F1_2010, 0x2010_47F1, 0xF147_1020, 0x1020_F147]),
        ] {
            for (order, hex) in ORDERS.into_iter().zip(orders) {
                assert_eq!(raw(NumberType::Float32, order, &words(hex)), Some(f64::from(value)), "{value} {order:?}");
            }
        }
        assert_eq!(raw(NumberType::Uint16, ByteOrder::Abcd, &[0x070B]), Some(1_803.0));
        assert_eq!(raw(NumberType::Int16, ByteOrder::Badc, &[0xFEFF]), Some(-2.0));
    }

    /// The bytes of a number, in the order in which a device that counts `order` would send them.
    fn sent(bytes: &[u8], order: ByteOrder) -> Vec<u16> {
        let mut words: Vec<[u8; 2]> = bytes.as_chunks::<2>().0.to_vec();
        match order {
            ByteOrder::Abcd => {}
            ByteOrder::Cdab => words.reverse(),
            ByteOrder::Badc => words.iter_mut().for_each(|word| word.reverse()),
            ByteOrder::Dcba => {
                words.reverse();
                words.iter_mut().for_each(|word| word.reverse());
            }
        }
        words.into_iter().map(u16::from_be_bytes).collect()
    }

    proptest! {
        #[test]
        fn what_was_sent_is_what_is_read(float in any::<f64>(), long in any::<i64>(), short in any::<i32>()) {
            for order in ORDERS {
                let read = raw(NumberType::Float64, order, &sent(&float.to_be_bytes(), order)).map(f64::to_bits);
                proptest::prop_assert_eq!(read, Some(float.to_bits()));
                #[expect(clippy::cast_precision_loss, reason = "that is what is expected")]
                let expected = long as f64;
                proptest::prop_assert_eq!(raw(NumberType::Int64, order, &sent(&long.to_be_bytes(), order)), Some(expected));
                proptest::prop_assert_eq!(
                    raw(NumberType::Int32, order, &sent(&short.to_be_bytes(), order)),
                    Some(f64::from(short))
                );
            }
        }
    }
}
