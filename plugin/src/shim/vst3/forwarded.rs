//! Interfaces of the framework's component that need no completing.

use nice_plug::prelude::Vst3Plugin;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;

use super::Component;

impl<P: Vst3Plugin> IMidiMappingTrait for Component<P> {
    forward! {
        getMidiControllerAssignment(bus: int32, channel: int16, controller: CtrlNumber, id: *mut ParamID) -> tresult;
    }
}

impl<P: Vst3Plugin> IProcessContextRequirementsTrait for Component<P> {
    forward! {
        getProcessContextRequirements() -> uint32;
    }
}

impl<P: Vst3Plugin> IUnitInfoTrait for Component<P> {
    forward! {
        getUnitCount() -> int32;
        getUnitInfo(index: int32, info: *mut UnitInfo) -> tresult;
        getProgramListCount() -> int32;
        getProgramListInfo(index: int32, info: *mut ProgramListInfo) -> tresult;
        getProgramName(list: ProgramListID, index: int32, name: *mut String128) -> tresult;
        getProgramInfo(list: ProgramListID, index: int32, key: Vst::CString, value: *mut String128) -> tresult;
        hasProgramPitchNames(list: ProgramListID, index: int32) -> tresult;
        getProgramPitchName(list: ProgramListID, index: int32, pitch: int16, name: *mut String128) -> tresult;
        getSelectedUnit() -> UnitID;
        selectUnit(id: UnitID) -> tresult;
        getUnitByBus(media: MediaType, direction: BusDirection, bus: int32, channel: int32, id: *mut UnitID) -> tresult;
        setUnitProgramData(list: int32, index: int32, data: *mut IBStream) -> tresult;
    }
}

impl<P: Vst3Plugin> ChannelContext::IInfoListenerTrait for Component<P> {
    forward! {
        setChannelContextInfos(list: *mut IAttributeList) -> tresult;
    }
}

impl<P: Vst3Plugin> IPluginBaseTrait for Component<P> {
    forward! {
        initialize(context: *mut FUnknown) -> tresult;
        terminate() -> tresult;
    }
}
