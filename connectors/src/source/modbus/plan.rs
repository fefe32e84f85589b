//! Which requests read a device: neighbours joined, a value and its status word never torn apart, and what a device has
//! refused to give together asked for apart from then on. Pure.

use std::collections::BTreeMap;

use crate::config::{ModbusField, Register};

/// Most registers in one request (Modbus application protocol 1.1b3, 6.3).
const MOST_REGISTERS: u32 = 125;
/// Most coils in one request (6.1).
const MOST_COILS: u32 = 2_000;

/// A configuration that no requests can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Past the last address there is.
    #[error("unit {unit}: a value at address {address} reaches past 65535")]
    PastTheEnd {
        /// Unit id.
        unit: u8,
        /// As written.
        address: u16,
    },
    /// Value and status word do not fit one request.
    #[error("unit {unit}: the value at {address} and its status word at {state} are too far apart for one request")]
    TooFar {
        /// Unit id.
        unit: u8,
        /// As written.
        address: u16,
        /// As written.
        state: u16,
    },
}

/// One request, and the fields it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) register: Register,
    pub(super) begin: u16,
    pub(super) count: u16,
    /// Places in the configuration's list of fields.
    pub(super) fields: Vec<usize>,
}

/// The requests for one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnitPlan {
    pub(super) unit: u8,
    pub(super) blocks: Vec<Block>,
}

/// A field's first and last address.
pub(super) fn reach(field: &ModbusField) -> Result<(u16, u16), PlanError> {
    let last = field
        .address
        .checked_add(field.kind.width() - 1)
        .ok_or(PlanError::PastTheEnd { unit: field.slave_id, address: field.address })?;
    let (low, high) = match field.state_address {
        Some(state) => (field.address.min(state), last.max(state)),
        None => (field.address, last),
    };
    if length(low, high) > most(field.register) {
        let state = field.state_address.unwrap_or(field.address);
        return Err(PlanError::TooFar { unit: field.slave_id, address: field.address, state });
    }
    Ok((low, high))
}

fn length(low: u16, high: u16) -> u32 {
    u32::from(high) - u32::from(low) + 1
}

const fn most(register: Register) -> u32 {
    match register {
        Register::Holding | Register::Input => MOST_REGISTERS,
        Register::Coil | Register::Discrete => MOST_COILS,
    }
}

/// The requests for every unit, joined over gaps of at most `max_gap`.
pub(super) fn plan(fields: &[ModbusField], max_gap: u16) -> Result<Vec<UnitPlan>, PlanError> {
    let mut sorted = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let (low, high) = reach(field)?;
        sorted.push((field.slave_id, field.register, low, high, index));
    }
    sorted.sort_unstable();
    let mut units: BTreeMap<u8, Vec<Block>> = BTreeMap::new();
    for (unit, register, low, high, index) in sorted {
        let blocks = units.entry(unit).or_default();
        if let Some(block) = blocks.last_mut()
            && block.register == register
        {
            let end = block.begin + (block.count - 1);
            let joined = length(block.begin, end.max(high));
            let near = u32::from(low) <= u32::from(end) + u32::from(max_gap) + 1;
            if near && joined <= most(register) {
                block.count = u16::try_from(joined).unwrap_or(block.count);
                block.fields.push(index);
                continue;
            }
        }
        let count = u16::try_from(length(low, high)).unwrap_or(1);
        blocks.push(Block { register, begin: low, count, fields: vec![index] });
    }
    Ok(units.into_iter().map(|(unit, blocks)| UnitPlan { unit, blocks }).collect())
}

/// One request for each field of a block that a device has refused as a whole.
pub(super) fn apart(block: &Block, fields: &[ModbusField]) -> Vec<Block> {
    block
        .fields
        .iter()
        .filter_map(|index| {
            let (low, high) = reach(fields.get(*index)?).ok()?;
            let count = u16::try_from(length(low, high)).ok()?;
            Some(Block { register: block.register, begin: low, count, fields: vec![*index] })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
    use watchfire_model::id::PointIx;

    use super::*;
    use crate::config::{ByteOrder, NumberType};

    pub(super) fn field(
        unit: u8,
        register: Register,
        address: u16,
        kind: NumberType,
        state: Option<u16>,
    ) -> ModbusField {
        ModbusField {
            point: PointIx(0),
            slave_id: unit,
            register,
            address,
            kind,
            byte_order: ByteOrder::Abcd,
            scale: 1.0,
            offset: 0.0,
            sentinels: Vec::new(),
            state_address: state,
        }
    }

    #[test]
    fn neighbours_are_joined_and_strangers_are_not() {
        let fields = [
            field(1, Register::Holding, 20, NumberType::Float32, None),
            field(1, Register::Holding, 0, NumberType::Int16, Some(5)),
            field(1, Register::Holding, 10, NumberType::Int16, None),
            field(1, Register::Input, 11, NumberType::Int16, None),
            field(2, Register::Holding, 0, NumberType::Int64, None),
        ];
        let planned = plan(&fields, 8).expect("a plan");
        let shown: Vec<_> = planned
            .iter()
            .flat_map(|unit| unit.blocks.iter().map(|block| (unit.unit, block.begin, block.count, block.fields.len())))
            .collect();
        assert_eq!(shown, [(1, 0, 11, 2), (1, 20, 2, 1), (1, 11, 1, 1), (2, 0, 4, 1)]);
    }

    #[test]
    fn what_no_request_can_read_is_refused() {
        let far = [field(1, Register::Holding, 0, NumberType::Int16, Some(125))];
        assert!(matches!(plan(&far, 8), Err(PlanError::TooFar { .. })));
        let past = [field(1, Register::Holding, 65_535, NumberType::Float32, None)];
        assert!(matches!(plan(&past, 8), Err(PlanError::PastTheEnd { .. })));
        let last = [field(1, Register::Holding, 65_534, NumberType::Float32, None)];
        assert!(plan(&last, 8).is_ok());
    }

    fn any_field() -> impl Strategy<Value = ModbusField> {
        let kind = prop_oneof![Just(NumberType::Int16), Just(NumberType::Float32), Just(NumberType::Int64)];
        let register = prop_oneof![Just(Register::Holding), Just(Register::Input)];
        (1..4_u8, register, 0..2_000_u16, kind, any::<bool>()).prop_map(|(unit, register, address, kind, state)| {
            field(unit, register, address, kind, state.then_some(address + 6))
        })
    }

    proptest! {
        #[test]
        fn every_field_is_read_once_whole_and_within_bounds(
            fields in proptest::collection::vec(any_field(), 0..60),
            max_gap in 0..20_u16,
        ) {
            let planned = plan(&fields, max_gap).expect("these all fit");
            let mut seen = vec![0; fields.len()];
            for unit in &planned {
                for block in &unit.blocks {
                    proptest::prop_assert!(block.count <= 125);
                    for part in std::iter::once(block.clone()).chain(apart(block, &fields)) {
                        for index in &part.fields {
                            let (low, high) = reach(&fields[*index]).expect("it was planned");
                            proptest::prop_assert!(part.begin <= low && high <= part.begin + (part.count - 1));
                            proptest::prop_assert_eq!(fields[*index].slave_id, unit.unit);
                            proptest::prop_assert_eq!(fields[*index].register, part.register);
                        }
                    }
                    block.fields.iter().for_each(|index| seen[*index] += 1);
                }
            }
            proptest::prop_assert!(seen.into_iter().all(|times| times == 1));
        }
    }
}
