//! Reading the parts of an ONNX file: protobuf, tensors, attributes.
//!
//! The protobuf comes from tract; everything here answers with an error, never
//! a panic, whatever the bytes are.

use tract_onnx::{
    pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
        attribute_proto::AttributeType,
        tensor_proto::{DataLocation, DataType},
        tensor_shape_proto::dimension,
        type_proto,
    },
    tract_core::framework::Framework,
};

use super::ModelError;

/// Operator set that the contract asks for.
const OPSET: i64 = 17;

/// Most floats that one tensor may have: far above any sensible model, far
/// below an overflow.
const MAX_ELEMENTS: usize = 1 << 26;

/// Decodes an ONNX file and checks that it has a graph of the contract's
/// operator set.
pub(super) fn decode(bytes: &[u8], file: &'static str) -> Result<ModelProto, ModelError> {
    let mut reader = bytes;
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut reader)
        .map_err(|error| ModelError::Syntax {
            file,
            reason: format!("{error:#}"),
        })?;
    let opset = proto
        .opset_import
        .iter()
        .find(|import| matches!(import.domain.as_str(), "" | "ai.onnx"));
    match opset {
        Some(import) if import.version == OPSET => Ok(proto),
        Some(import) => Err(ModelError::mismatch(file, "opset", OPSET, import.version)),
        None => Err(ModelError::mismatch(file, "opset", OPSET, "none")),
    }
}

/// The graph of a decoded file.
pub(super) fn graph<'a>(
    proto: &'a ModelProto,
    file: &'static str,
) -> Result<&'a GraphProto, ModelError> {
    proto
        .graph
        .as_ref()
        .ok_or_else(|| ModelError::mismatch(file, "graph", "a graph", "none"))
}

/// Number of elements of a shape, if it is sensible.
pub(super) fn element_count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |count, &dim| count.checked_mul(dim))
        .filter(|&count| (1..=MAX_ELEMENTS).contains(&count))
}

/// `[1, 10, 128]`
pub(super) fn show(shape: &[usize]) -> String {
    let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("[{}]", dims.join(", "))
}

/// Shape of a declared graph input or output; `None` if it is not declared
/// with fixed dimensions.
pub(super) fn declared_shape(info: &ValueInfoProto) -> Option<Vec<usize>> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    tensor
        .shape
        .as_ref()?
        .dim
        .iter()
        .map(|dim| match dim.value {
            Some(dimension::Value::DimValue(size)) => usize::try_from(size).ok(),
            _ => None,
        })
        .collect()
}

/// True if a graph input or output is declared as `f32`.
pub(super) fn is_f32(info: &ValueInfoProto) -> bool {
    info.r#type
        .as_ref()
        .and_then(|declared| declared.value.as_ref())
        .is_some_and(|type_proto::Value::TensorType(tensor)| {
            tensor.elem_type == DataType::Float as i32
        })
}

/// Contents of an initializer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Elements {
    /// Weights.
    Floats(Vec<f32>),
    /// Shapes and positions.
    Integers(Vec<i64>),
}

/// An initializer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) elements: Elements,
}

impl Constant {
    /// Reads an initializer of finite `f32` or of `i64`.
    pub(super) fn read(tensor: &TensorProto, file: &'static str) -> Result<Constant, ModelError> {
        let wrong = |expected: &str, found: String| {
            ModelError::mismatch(
                file,
                format!("initializer `{}`", tensor.name),
                expected,
                found,
            )
        };
        let external = tensor.data_location == Some(DataLocation::External as i32);
        if external || !tensor.external_data.is_empty() {
            return Err(wrong("data inside the file", "external data".into()));
        }
        let shape: Vec<usize> = tensor
            .dims
            .iter()
            .map(|&dim| usize::try_from(dim).ok())
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("a shape", format!("{:?}", tensor.dims)))?;
        let count = element_count(&shape)
            .ok_or_else(|| wrong("1 to 2^26 elements", format!("shape {:?}", tensor.dims)))?;
        let raw = &tensor.raw_data;
        let elements = if tensor.data_type == DataType::Float as i32 {
            let floats = if raw.is_empty() {
                tensor.float_data.clone()
            } else {
                decode_raw(raw, f32::from_le_bytes)
            };
            if let Some(odd) = floats.iter().find(|value| !value.is_finite()) {
                return Err(wrong("finite numbers", odd.to_string()));
            }
            Elements::Floats(floats)
        } else if tensor.data_type == DataType::Int64 as i32 {
            Elements::Integers(if raw.is_empty() {
                tensor.int64_data.clone()
            } else {
                decode_raw(raw, i64::from_le_bytes)
            })
        } else {
            let found = DataType::try_from(tensor.data_type)
                .map_or_else(|_| tensor.data_type.to_string(), |t| t.as_str_name().into());
            return Err(wrong("data type FLOAT or INT64", found));
        };
        let (len, rest) = match &elements {
            Elements::Floats(floats) => (floats.len(), raw.len() % 4),
            Elements::Integers(integers) => (integers.len(), raw.len() % 8),
        };
        if len != count || rest != 0 {
            return Err(wrong(
                &format!("{count} elements for shape {}", show(&shape)),
                format!("{len}"),
            ));
        }
        Ok(Constant {
            name: tensor.name.clone(),
            shape,
            elements,
        })
    }
}

fn decode_raw<const BYTES: usize, T>(raw: &[u8], decode: fn([u8; BYTES]) -> T) -> Vec<T> {
    let (elements, _) = raw.as_chunks::<BYTES>();
    elements.iter().map(|&bytes| decode(bytes)).collect()
}

/// Attributes of a node, taken out one by one; what is left at the end is
/// something that the engine does not implement.
pub(super) struct Attributes<'a> {
    left: Vec<&'a AttributeProto>,
}

impl<'a> Attributes<'a> {
    pub(super) fn of(node: &'a NodeProto) -> Attributes<'a> {
        Attributes {
            left: node.attribute.iter().collect(),
        }
    }

    fn take(&mut self, name: &str) -> Option<&'a AttributeProto> {
        let index = self
            .left
            .iter()
            .position(|attribute| attribute.name == name)?;
        Some(self.left.swap_remove(index))
    }

    /// An integer attribute; `default` if it is absent.
    pub(super) fn int(&mut self, name: &str, default: i64) -> Result<i64, Refusal> {
        match self.take(name) {
            None => Ok(default),
            Some(found) if found.r#type == AttributeType::Int as i32 => Ok(found.i),
            Some(_) => Err(Refusal::new(name, "an integer", "another type")),
        }
    }

    /// A list of integers; `None` if it is absent.
    pub(super) fn ints(&mut self, name: &str) -> Result<Option<&'a [i64]>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(found) if found.r#type == AttributeType::Ints as i32 => Ok(Some(&found.ints)),
            Some(_) => Err(Refusal::new(name, "integers", "another type")),
        }
    }

    /// A float attribute that must be absent or 1.
    pub(super) fn must_be_one(&mut self, name: &str) -> Result<(), Refusal> {
        match self.take(name) {
            None => Ok(()),
            Some(found) if found.r#type == AttributeType::Float as i32 && found.f == 1.0 => Ok(()),
            Some(found) => Err(Refusal::new(name, 1, found.f)),
        }
    }

    /// A text attribute that must be absent or `expected`.
    pub(super) fn must_be_text(&mut self, name: &str, expected: &str) -> Result<(), Refusal> {
        match self.take(name) {
            None => Ok(()),
            Some(found) if found.s == expected.as_bytes() => Ok(()),
            Some(found) => Err(Refusal::new(
                name,
                expected,
                String::from_utf8_lossy(&found.s),
            )),
        }
    }

    /// Fails if an attribute has not been taken.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.left.first() {
            None => Ok(()),
            Some(left) => Err(Refusal::new(
                left.name.as_str(),
                "no such attribute",
                "this attribute",
            )),
        }
    }
}

/// Something in a node that the engine does not implement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Refusal {
    pub(super) fn new(
        what: impl Into<String>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Refusal {
        Refusal {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}
