//! The COM objects that a VST3 host lends to the plugin: parameter changes,
//! event lists and byte streams.
#![allow(unsafe_code)]
// The interface fixes the names of these methods.
#![allow(non_snake_case)]

use std::cell::RefCell;
use std::ffi::c_void;

use vst3::Steinberg::Vst::{
    Event, IEventList, IEventListTrait, IHostApplication, IHostApplicationTrait, IParamValueQueue,
    IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait, ParamID, ParamValue,
    String128,
};
use vst3::Steinberg::{
    IBStream, IBStream_::IStreamSeekMode_, IBStreamTrait, TUID, int32, int64, kInvalidArgument,
    kNotImplemented, kResultOk, tresult,
};
use vst3::{Class, ComWrapper};

/// One new value of one parameter, at the first sample of a block.
pub(super) struct ValueQueue {
    id: ParamID,
    value: ParamValue,
}

impl Class for ValueQueue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for ValueQueue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }

    unsafe fn getPointCount(&self) -> int32 {
        1
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        if index != 0 || offset.is_null() || value.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: both pointers were checked; the caller owns what they point to.
        unsafe {
            *offset = 0;
            *value = self.value;
        }
        kResultOk
    }

    unsafe fn addPoint(&self, _offset: int32, _value: ParamValue, _index: *mut int32) -> tresult {
        kNotImplemented
    }
}

/// The parameter changes of one block.
pub(super) struct ParameterChanges {
    queues: Vec<(ComWrapper<ValueQueue>, vst3::ComPtr<IParamValueQueue>)>,
}

impl ParameterChanges {
    /// Wraps `(parameter id, normalised value)` pairs.
    pub(super) fn new(changes: &[(u32, f64)]) -> ComWrapper<Self> {
        let queues = changes
            .iter()
            .filter_map(|&(id, value)| {
                let queue = ComWrapper::new(ValueQueue { id, value });
                let pointer = queue.to_com_ptr::<IParamValueQueue>()?;
                Some((queue, pointer))
            })
            .collect();
        ComWrapper::new(Self { queues })
    }
}

impl Class for ParameterChanges {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for ParameterChanges {
    unsafe fn getParameterCount(&self) -> int32 {
        self.queues.len() as int32
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.queues.get(index))
            .map_or(std::ptr::null_mut(), |(_, pointer)| pointer.as_ptr())
    }

    unsafe fn addParameterData(
        &self,
        _id: *const ParamID,
        _index: *mut int32,
    ) -> *mut IParamValueQueue {
        std::ptr::null_mut()
    }
}

/// A list of events, in or out.
#[derive(Default)]
pub(super) struct EventList {
    events: RefCell<Vec<Event>>,
}

impl EventList {
    /// Wraps `events`.
    pub(super) fn new(events: Vec<Event>) -> ComWrapper<Self> {
        ComWrapper::new(Self {
            events: RefCell::new(events),
        })
    }

    /// Takes the events out.
    pub(super) fn take(&self) -> Vec<Event> {
        self.events.take()
    }
}

impl Class for EventList {
    type Interfaces = (IEventList,);
}

impl IEventListTrait for EventList {
    unsafe fn getEventCount(&self) -> int32 {
        self.events.borrow().len() as int32
    }

    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        let events = self.events.borrow();
        match usize::try_from(index).ok().and_then(|at| events.get(at)) {
            Some(found) if !event.is_null() => {
                // SAFETY: the pointer was checked; the caller owns the event.
                unsafe { *event = *found };
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        if event.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the pointer was checked and points to a whole event.
        self.events.borrow_mut().push(unsafe { *event });
        kResultOk
    }
}

/// A byte stream in memory.
pub(super) struct MemoryStream {
    inner: RefCell<(Vec<u8>, usize)>,
}

impl MemoryStream {
    /// A stream over `bytes`, positioned at their start.
    pub(super) fn new(bytes: Vec<u8>) -> ComWrapper<Self> {
        ComWrapper::new(Self {
            inner: RefCell::new((bytes, 0)),
        })
    }

    /// Takes the bytes out.
    pub(super) fn take(&self) -> Vec<u8> {
        self.inner.take().0
    }
}

impl Class for MemoryStream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for MemoryStream {
    unsafe fn read(&self, buffer: *mut c_void, count: int32, done: *mut int32) -> tresult {
        let Ok(count) = usize::try_from(count) else {
            return kInvalidArgument;
        };
        if buffer.is_null() {
            return kInvalidArgument;
        }
        let (bytes, position) = &mut *self.inner.borrow_mut();
        let count = count.min(bytes.len().saturating_sub(*position));
        // SAFETY: `count` bytes are left in the stream, and the caller promises
        // room for at least as many in `buffer`; `done` may be null.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr().add(*position), buffer.cast(), count);
            if !done.is_null() {
                *done = count as int32;
            }
        }
        *position += count;
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, count: int32, done: *mut int32) -> tresult {
        let Ok(count) = usize::try_from(count) else {
            return kInvalidArgument;
        };
        if buffer.is_null() {
            return kInvalidArgument;
        }
        let (bytes, position) = &mut *self.inner.borrow_mut();
        // SAFETY: the caller promises `count` readable bytes at `buffer`;
        // `done` may be null.
        let source = unsafe {
            if !done.is_null() {
                *done = count as int32;
            }
            std::slice::from_raw_parts(buffer.cast::<u8>(), count)
        };
        let end = *position + count;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[*position..end].copy_from_slice(source);
        *position = end;
        kResultOk
    }

    unsafe fn seek(&self, offset: int64, mode: int32, result: *mut int64) -> tresult {
        let (bytes, position) = &mut *self.inner.borrow_mut();
        let base = match mode {
            mode if mode == IStreamSeekMode_::kIBSeekSet as int32 => 0,
            mode if mode == IStreamSeekMode_::kIBSeekCur as int32 => *position as int64,
            mode if mode == IStreamSeekMode_::kIBSeekEnd as int32 => bytes.len() as int64,
            _ => return kInvalidArgument,
        };
        let Some(target) = base
            .checked_add(offset)
            .and_then(|target| usize::try_from(target).ok())
        else {
            return kInvalidArgument;
        };
        *position = target.min(bytes.len());
        if !result.is_null() {
            // SAFETY: the pointer was checked; the caller owns the number.
            unsafe { *result = *position as int64 };
        }
        kResultOk
    }

    unsafe fn tell(&self, position: *mut int64) -> tresult {
        if position.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: the pointer was checked; the caller owns the number.
        unsafe { *position = self.inner.borrow().1 as int64 };
        kResultOk
    }
}

/// The host application that plugins are initialised with.
pub(super) struct Application;

impl Class for Application {
    type Interfaces = (IHostApplication,);
}

impl IHostApplicationTrait for Application {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        if name.is_null() {
            return kInvalidArgument;
        }
        let mut text: String128 = [0; 128];
        for (target, unit) in text.iter_mut().zip("IDM test host".encode_utf16()) {
            *target = unit as _;
        }
        // SAFETY: the pointer was checked; the caller owns the string.
        unsafe { *name = text };
        kResultOk
    }

    unsafe fn createInstance(
        &self,
        _class: *mut TUID,
        _interface: *mut TUID,
        _object: *mut *mut c_void,
    ) -> tresult {
        kNotImplemented
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_read_what_was_written() {
        let stream = MemoryStream::new(Vec::new());
        let pointer = stream.to_com_ptr::<IBStream>().expect("implements it");
        let mut bytes = *b"kick and snare";
        let mut done = 0;
        let mut found = [0_u8; 5];
        // SAFETY: the pointers are those of live local buffers of these sizes.
        unsafe {
            assert_eq!(
                pointer.write(bytes.as_mut_ptr().cast(), 14, &mut done),
                kResultOk
            );
            assert_eq!(done, 14);
            let set = IStreamSeekMode_::kIBSeekSet as int32;
            assert_eq!(pointer.seek(9, set, std::ptr::null_mut()), kResultOk);
            assert_eq!(
                pointer.read(found.as_mut_ptr().cast(), 5, &mut done),
                kResultOk
            );
            assert_eq!((done, &found), (5, b"snare"));
            assert_eq!(
                pointer.read(found.as_mut_ptr().cast(), 5, &mut done),
                kResultOk
            );
            assert_eq!(done, 0);
            assert_ne!(pointer.seek(-1, set, std::ptr::null_mut()), kResultOk);
        }
        assert_eq!(stream.take(), b"kick and snare");
    }
}
