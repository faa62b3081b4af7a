"""Xids: what each code in the kernel log means, and what NVIDIA's catalog says to do about it.

Codes, mnemonics, use and action buckets are NVIDIA's, as of October 2025; the meanings are ours.
https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gpuwatch.domain.xids import XidAdvice

CATALOG_URL = "https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html"


class Bucket(StrEnum):
    """What the catalog says to do, at once or to find out more. NOT_STATED where it is silent.

    Three are rewritten as one word: RESTART_FM_IF_SOLO (restart the fabric manager when no other
    Xid came along, else follow the other), IGNORE_SYMPATHETIC (the reporter is usually not the one
    at fault) and REPORT_ISSUE_IF_DAILY (when seen more than once a day).
    """

    IGNORE = "IGNORE"
    IGNORE_SYMPATHETIC = "IGNORE_SYMPATHETIC"
    INFORMATIONAL = "INFORMATIONAL"
    RESTART_APP = "RESTART_APP"
    RESTART_VM = "RESTART_VM"
    RESTART_BM = "RESTART_BM"
    RESTART_FM_IF_SOLO = "RESTART_FM_IF_SOLO"
    RESET_GPU = "RESET_GPU"
    UPDATE_SWFW = "UPDATE_SWFW"
    CHECK_APP = "CHECK_APP"
    CHECK_MECHANICALS = "CHECK_MECHANICALS"
    CHECK_UVM = "CHECK_UVM"
    CHECK_NVLINK_FAILURE_FLOW = "CHECK_NVLINK_FAILURE_FLOW"
    CONTACT_SUPPORT = "CONTACT_SUPPORT"
    REPORT_ISSUE_IF_DAILY = "REPORT_ISSUE_IF_DAILY"
    SYMPATHETIC_REPORT_SOLO = "SYMPATHETIC_REPORT_SOLO"
    INVESTIGATE_SW = "INVESTIGATE_SW"
    INVESTIGATE_SW_USER = "INVESTIGATE_SW_USER"
    INVESTIGATE_SW_USER_LINK_SI = "INVESTIGATE_SW_USER_LINK_SI"
    INVESTIGATE_LINK_SI = "INVESTIGATE_LINK_SI"
    INVESTIGATE_LINK_SI_AND_CABLES = "INVESTIGATE_LINK_SI_AND_CABLES"
    INVESTIGATE_PEER_DEVICE = "INVESTIGATE_PEER_DEVICE"
    INVESTIGATE_HOST = "INVESTIGATE_HOST"
    WORKFLOW_XID_13 = "WORKFLOW_XID_13"
    WORKFLOW_XID_31 = "WORKFLOW_XID_31"
    WORKFLOW_XID_45 = "WORKFLOW_XID_45"
    WORKFLOW_XID_48 = "WORKFLOW_XID_48"
    WORKFLOW_NVLINK_ERR = "WORKFLOW_NVLINK_ERR"
    WORKFLOW_NVLINK5_ERR = "WORKFLOW_NVLINK5_ERR"
    XID_137_FLOW = "XID_137_FLOW"
    XID_154 = "XID_154"
    XID_154_EVAL = "XID_154_EVAL"
    NOT_STATED = "NOT_STATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Xid:
    """One code. `meaning` is a fragment for people; `in_use` is False for retired codes."""

    code: int
    mnemonic: str
    meaning: str
    in_use: bool
    immediate: Bucket
    investigate: Bucket


def _used(code: int, mnemonic: str, immediate: Bucket, investigate: Bucket, meaning: str) -> Xid:
    return Xid(
        code=code,
        mnemonic=mnemonic,
        meaning=meaning,
        in_use=True,
        immediate=immediate,
        investigate=investigate,
    )


def _unused(code: int, mnemonic: str, immediate: Bucket, investigate: Bucket, meaning: str) -> Xid:
    return Xid(
        code=code,
        mnemonic=mnemonic,
        meaning=meaning,
        in_use=False,
        immediate=immediate,
        investigate=investigate,
    )


B = Bucket
# fmt: off
XIDS: tuple[Xid, ...] = (
    _unused(1, "ROBUST_CHANNEL_FIFO_ERROR_FIFO_METHOD", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad command in a channel's queue"),
    _unused(2, "ROBUST_CHANNEL_FIFO_ERROR_SW_METHOD", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad command in a channel's queue, meant for software"),
    _unused(3, "ROBUST_CHANNEL_FIFO_ERROR_UNK_METHOD", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an unknown command in a channel's queue"),
    _unused(4, "ROBUST_CHANNEL_FIFO_ERROR_CHANNEL_BUSY", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a channel that stayed busy when it should have been free"),
    _unused(5, "ROBUST_CHANNEL_FIFO_ERROR_RUNOUT_OVERFLOW", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a channel's queue ran over its own end"),
    _unused(6, "ROBUST_CHANNEL_FIFO_ERROR_PARSE_ERR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a channel's queue could not be read as commands"),
    _unused(7, "ROBUST_CHANNEL_FIFO_ERROR_PTE_ERR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad page table entry behind a channel"),
    _used(8, "ROBUST_CHANNEL_FIFO_ERROR_IDLE_TIMEOUT", B.RESTART_APP, B.CONTACT_SUPPORT,
        "a channel stopped making progress; the work on it is lost"),
    _unused(9, "ROBUST_CHANNEL_GR_ERROR_INSTANCE", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a graphics error laid to one context"),
    _unused(10, "ROBUST_CHANNEL_GR_ERROR_SINGLE_STEP", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a graphics single-step trap"),
    _used(11, "ROBUST_CHANNEL_GR_ERROR_MISSING_HW", B.RESTART_APP, B.CHECK_APP,
        "the program asked for hardware this GPU does not have, or its commands were damaged"),
    _unused(12, "ROBUST_CHANNEL_GR_ERROR_SW_METHOD", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a graphics command meant for software"),
    _used(13, "ROBUST_CHANNEL_GR_EXCEPTION / ROBUST_CHANNEL_GR_ERROR_SW_NOTIFY",
        B.RESTART_APP, B.WORKFLOW_XID_13,
        "a kernel did something illegal, such as an index out of bounds or a bad instruction"),
    _unused(14, "ROBUST_CHANNEL_FAKE_ERROR", B.IGNORE, B.CONTACT_SUPPORT,
        "placeholder that only reports other trouble"),
    _unused(15, "ROBUST_CHANNEL_SCANLINE_TIMEOUT", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the display did not reach a scan line in time"),
    _unused(16, "ROBUST_CHANNEL_VBLANK_CALLBACK_TIMEOUT", B.CONTACT_SUPPORT, B.CONTACT_SUPPORT,
        "retired code: no vertical blank from the display in time"),
    _unused(17, "ROBUST_CHANNEL_PARAMETER_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad parameter in a channel request"),
    _unused(18, "ROBUST_CHANNEL_BUS_MASTER_TIMEOUT_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the GPU could not master the bus in time"),
    _unused(19, "ROBUST_CHANNEL_DISP_MISSED_NOTIFIER", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a display notification never came"),
    _unused(20, "ROBUST_CHANNEL_MPEG_ERROR_SW_METHOD", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the MPEG decoder met a command meant for software"),
    _unused(21, "ROBUST_CHANNEL_ME_ERROR_SW_METHOD", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the motion estimator met a command meant for software"),
    _unused(22, "ROBUST_CHANNEL_VP_ERROR_SW_METHOD", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the video processor met a command meant for software"),
    _unused(23, "ROBUST_CHANNEL_RC_LOGGING_ENABLED", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: channel-error logging was switched on"),
    _unused(24, "ROBUST_CHANNEL_GR_SEMAPHORE_TIMEOUT", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: graphics waited too long for a semaphore"),
    _used(25, "ROBUST_CHANNEL_GR_ILLEGAL_NOTIFY", B.RESTART_APP, B.CHECK_APP,
        "the program used an illegal notification in its command stream"),
    _unused(26, "ROBUST_CHANNEL_FIFO_ERROR_FBISTATE_TIMEOUT", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the channel's memory interface timed out"),
    _unused(27, "ROBUST_CHANNEL_VP_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the video processor"),
    _unused(28, "ROBUST_CHANNEL_VP2_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the second video processor"),
    _unused(29, "ROBUST_CHANNEL_BSP_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the bit-stream processor"),
    _unused(30, "ROBUST_CHANNEL_BAD_ADDR_ACCESS", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a register access to an address that does not exist"),
    _used(31, "ROBUST_CHANNEL_FIFO_ERROR_MMU_ERR_FLT", B.RESTART_APP, B.WORKFLOW_XID_31,
        "a program touched GPU memory that is not mapped: nearly always a bug in that program"),
    _used(32, "ROBUST_CHANNEL_PBDMA_ERROR", B.RESTART_APP, B.CHECK_APP,
        "the unit that fetches commands met damaged ones: program, driver or PCIe quality"),
    _unused(33, "ROBUST_CHANNEL_SEC_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the security engine"),
    _unused(34, "ROBUST_CHANNEL_MSVLD_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the video stream parser"),
    _unused(35, "ROBUST_CHANNEL_MSPDEC_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the picture decoder"),
    _unused(36, "ROBUST_CHANNEL_MSPPP_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the picture post-processor"),
    _used(37, "ROBUST_CHANNEL_FECS_ERR_UNIMP_FIRMWARE_METHOD", B.IGNORE, B.CHECK_APP,
        "the context-switch firmware was asked for something it does not know"),
    _used(38, "ROBUST_CHANNEL_FECS_ERR_WATCHDOG_TIMEOUT", B.IGNORE, B.CONTACT_SUPPORT,
        "the context-switch firmware's own watchdog ran out"),
    _used(39, "ROBUST_CHANNEL_CE0_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 0 faulted and the copy's owner is ended"),
    _used(40, "ROBUST_CHANNEL_CE1_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 1 faulted and the copy's owner is ended"),
    _used(41, "ROBUST_CHANNEL_CE2_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 2 faulted and the copy's owner is ended"),
    _unused(42, "ROBUST_CHANNEL_VIC_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the video image compositor"),
    _used(43, "ROBUST_CHANNEL_RESETCHANNEL_VERIF_ERROR", B.IGNORE, B.CONTACT_SUPPORT,
        "the driver ended a program's channel after a fault of the program; the GPU is well"),
    _used(44, "ROBUST_CHANNEL_GR_FAULT_DURING_CTXSW", B.IGNORE, B.CONTACT_SUPPORT,
        "graphics faulted while switching between contexts"),
    _used(45, "ROBUST_CHANNEL_PREEMPTIVE_REMOVAL", B.WORKFLOW_XID_45, B.RESTART_FM_IF_SOLO,
        "the driver took work off the GPU: see the Xid before it, or who ended the program"),
    _used(46, "ROBUST_CHANNEL_GPU_TIMEOUT_ERROR", B.RESET_GPU, B.CONTACT_SUPPORT,
        "the GPU stopped answering the driver and needs a reset"),
    _unused(47, "ROBUST_CHANNEL_NVENC0_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of video encoder 0"),
    _used(48, "ROBUST_CHANNEL_GPU_ECC_DBE", B.WORKFLOW_XID_48, B.WORKFLOW_XID_48,
        "an uncorrectable memory error; Xid 94 or 95 beside it say whether it was contained"),
    _unused(49, "SILENT_RUNNING_CONSTANT_LEVEL_SET_BY_REGISTRY", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a constant quiet-running level was configured"),
    _unused(50, "SILENT_RUNNING_LEVEL_TRANSITION_DUE_TO_RC_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: quiet running changed level after a channel error"),
    _unused(51, "SILENT_RUNNING_STRESS_TEST_FAILURE", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: quiet running failed its stress test"),
    _unused(52, "SILENT_RUNNING_LEVEL_TRANS_DUE_TO_TEMP_RISE", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: quiet running changed level because of heat"),
    _unused(53, "SILENT_RUNNING_TEMP_REDUCED_CLOCKING", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: clocks lowered because of heat"),
    _used(54, "SILENT_RUNNING_PWR_REDUCED_CLOCKING", B.CHECK_MECHANICALS, B.CONTACT_SUPPORT,
        "auxiliary power is missing or weak, so clocks are lowered: check cables and supply"),
    _unused(55, "SILENT_RUNNING_TEMPERATURE_READ_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a temperature sensor could not be read"),
    _unused(56, "DISPLAY_CHANNEL_EXCEPTION", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the display engine raised an exception"),
    _unused(57, "FB_LINK_TRAINING_FAILURE_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the link to the board's memory could not be trained"),
    _unused(58, "FB_MEMORY_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error in the board's memory, told by later codes today"),
    _unused(59, "PMU_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the power-management unit"),
    _used(60, "ROBUST_CHANNEL_SEC2_ERROR", B.RESTART_APP, B.INVESTIGATE_SW,
        "the security processor faulted: usually a matter of software"),
    _unused(61, "PMU_BREAKPOINT", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the power-management unit stopped at a breakpoint"),
    _used(62, "PMU_HALT_ERROR", B.RESET_GPU, B.CONTACT_SUPPORT,
        "the power-management unit's firmware stopped; the GPU needs a reset"),
    _used(63, "INFOROM_DRAM_RETIREMENT_EVENT", B.IGNORE, B.IGNORE,
        "a bad memory row was recorded for remapping, or a page retired: the repair worked"),
    _used(64, "INFOROM_DRAM_RETIREMENT_FAILURE", B.RESET_GPU, B.CONTACT_SUPPORT,
        "a bad memory row or page could not be recorded for repair: reset, and if again, a case"),
    _unused(65, "ROBUST_CHANNEL_NVENC1_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of video encoder 1"),
    _used(66, "ROBUST_CHANNEL_FECS_ERR_REG_ACCESS_VIOLATION", B.IGNORE, B.INVESTIGATE_SW,
        "the context-switch firmware tried to use a register it may not"),
    _used(67, "ROBUST_CHANNEL_FECS_ERR_VERIF_VIOLATION", B.IGNORE, B.CONTACT_SUPPORT,
        "the context-switch firmware broke a rule that is checked at run time"),
    _used(68, "ROBUST_CHANNEL_NVDEC0_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 0 faulted and its user is ended"),
    _used(69, "ROBUST_CHANNEL_GR_CLASS_ERROR", B.RESTART_APP, B.CHECK_APP,
        "the program used a graphics class wrongly"),
    _used(70, "ROBUST_CHANNEL_CE3_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 3 faulted and the copy's owner is ended"),
    _used(71, "ROBUST_CHANNEL_CE4_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 4 faulted and the copy's owner is ended"),
    _used(72, "ROBUST_CHANNEL_CE5_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 5 faulted and the copy's owner is ended"),
    _unused(73, "ROBUST_CHANNEL_NVENC2_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of video encoder 2"),
    _used(74, "NVLINK_ERROR", B.WORKFLOW_NVLINK_ERR, B.CONTACT_SUPPORT,
        "an NVLink of this GPU failed (to Hopper): the words tell whether link, cable or far end"),
    _used(75, "ROBUST_CHANNEL_CE6_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 6 faulted and the copy's owner is ended"),
    _used(76, "ROBUST_CHANNEL_CE7_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 7 faulted and the copy's owner is ended"),
    _used(77, "ROBUST_CHANNEL_CE8_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 8 faulted and the copy's owner is ended"),
    _used(78, "VGPU_START_ERROR", B.UPDATE_SWFW, B.UPDATE_SWFW,
        "a virtual GPU could not start: host and guest drivers do not fit or are too old"),
    _used(79, "ROBUST_CHANNEL_GPU_HAS_FALLEN_OFF_THE_BUS", B.RESTART_BM, B.CONTACT_SUPPORT,
        "the GPU fell off the bus: it no longer answers on PCIe until it is power-cycled"),
    _used(80, "PBDMA_PUSHBUFFER_CRC_MISMATCH", B.RESTART_APP, B.CHECK_APP,
        "commands changed on their way to the GPU: their checksum does not match"),
    _unused(81, "ROBUST_CHANNEL_VGA_SUBSYSTEM_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the VGA part"),
    _used(82, "ROBUST_CHANNEL_NVJPG0_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 0 faulted and its user is ended"),
    _used(83, "ROBUST_CHANNEL_NVDEC1_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 1 faulted and its user is ended"),
    _used(84, "ROBUST_CHANNEL_NVDEC2_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 2 faulted and its user is ended"),
    _used(85, "ROBUST_CHANNEL_CE9_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 9 faulted and the copy's owner is ended"),
    _used(86, "ROBUST_CHANNEL_OFA0_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "optical-flow engine 0 faulted and its user is ended"),
    _unused(87, "NVTELEMETRY_DRIVER_REPORT", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a report for the vendor's telemetry"),
    _used(88, "ROBUST_CHANNEL_NVDEC3_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 3 faulted and its user is ended"),
    _used(89, "ROBUST_CHANNEL_NVDEC4_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 4 faulted and its user is ended"),
    _unused(90, "LTC_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the level-2 cache"),
    _unused(91, "RESERVED_XID", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: never given a meaning"),
    _used(92, "EXCESSIVE_SBE_INTERRUPTS", B.IGNORE, B.CONTACT_SUPPORT,
        "correctable memory errors come in numbers; nothing is lost, watch for uncorrectable ones"),
    _used(93, "INFOROM_ERASE_LIMIT_EXCEEDED", B.IGNORE, B.CONTACT_SUPPORT,
        "the board's small permanent memory is near the end of its erase cycles"),
    _used(94, "ROBUST_CHANNEL_CONTAINED_ERROR", B.RESTART_APP, B.IGNORE_SYMPATHETIC,
        "an uncorrectable error reached one program, which is ended; the others and the GPU go on"),
    _used(95, "ROBUST_CHANNEL_UNCONTAINED_ERROR", B.RESET_GPU, B.IGNORE_SYMPATHETIC,
        "an uncorrectable error was not confined: every program on the GPU is suspect"),
    _used(96, "ROBUST_CHANNEL_NVDEC5_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 5 faulted and its user is ended"),
    _used(97, "ROBUST_CHANNEL_NVDEC6_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 6 faulted and its user is ended"),
    _used(98, "ROBUST_CHANNEL_NVDEC7_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "video decoder 7 faulted and its user is ended"),
    _used(99, "ROBUST_CHANNEL_NVJPG1_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 1 faulted and its user is ended"),
    _used(100, "ROBUST_CHANNEL_NVJPG2_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 2 faulted and its user is ended"),
    _used(101, "ROBUST_CHANNEL_NVJPG3_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 3 faulted and its user is ended"),
    _used(102, "ROBUST_CHANNEL_NVJPG4_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 4 faulted and its user is ended"),
    _used(103, "ROBUST_CHANNEL_NVJPG5_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 5 faulted and its user is ended"),
    _used(104, "ROBUST_CHANNEL_NVJPG6_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 6 faulted and its user is ended"),
    _used(105, "ROBUST_CHANNEL_NVJPG7_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "JPEG engine 7 faulted and its user is ended"),
    _used(106, "SMBPBI_TEST_MESSAGE", B.IGNORE, B.IGNORE,
        "a test message of the out-of-band management path: no fault"),
    _used(107, "SMBPBI_TEST_MESSAGE_SILENT", B.IGNORE, B.IGNORE,
        "a silent test message of the out-of-band management path: no fault"),
    _unused(108, "NVLINK_REMOTE_TRANSLATION_ERROR", B.IGNORE, B.XID_137_FLOW,
        "retired code: an address from across NVLink could not be translated"),
    _used(109, "ROBUST_CHANNEL_CTXSW_TIMEOUT_ERROR", B.RESET_GPU, B.CONTACT_SUPPORT,
        "a context could not be switched out in time: often a kernel without end, else the GPU"),
    _used(110, "SEC_FAULT_ERROR", B.RESET_GPU, B.INVESTIGATE_SW,
        "the security unit saw a fault that it does not tolerate; the GPU needs a reset"),
    _unused(111, "BUNDLE_ERROR_EVENT", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error in a bundle of state commands"),
    _unused(112, "DISP_SUPERVISOR_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the display supervisor failed"),
    _unused(113, "DP_LT_FAILURE", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a DisplayPort link could not be trained"),
    _unused(114, "HEAD_RG_UNDERFLOW", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a display head ran out of pixels"),
    _unused(115, "CORE_CHANNEL_REGS", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad register in a display core channel"),
    _unused(116, "WINDOW_CHANNEL_REGS", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad register in a display window channel"),
    _unused(117, "CURSOR_CHANNEL_REGS", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad register in a display cursor channel"),
    _unused(118, "HEAD_REGS", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: a bad register of a display head"),
    _used(119, "GSP_RPC_TIMEOUT", B.RESET_GPU, B.INVESTIGATE_SW,
        "the firmware processor did not answer the driver in time; the GPU needs a reset"),
    _used(120, "GSP_ERROR", B.RESET_GPU, B.INVESTIGATE_SW,
        "the firmware processor crashed; the GPU needs a reset"),
    _used(121, "C2C_ERROR", B.IGNORE, B.CONTACT_SUPPORT,
        "the chip-to-chip link between CPU and GPU reported errors"),
    _unused(122, "SPI_PMU_RPC_READ_FAIL", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the board's flash could not be read"),
    _unused(123, "SPI_PMU_RPC_WRITE_FAIL", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the board's flash could not be written"),
    _unused(124, "SPI_PMU_RPC_ERASE_FAIL", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the board's flash could not be erased"),
    _unused(125, "INFOROM_FS_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: the file system of the board's permanent memory is damaged"),
    _used(126, "ROBUST_CHANNEL_CE10_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 10 faulted and the copy's owner is ended"),
    _used(127, "ROBUST_CHANNEL_CE11_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 11 faulted and the copy's owner is ended"),
    _used(128, "ROBUST_CHANNEL_CE12_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 12 faulted and the copy's owner is ended"),
    _used(129, "ROBUST_CHANNEL_CE13_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 13 faulted and the copy's owner is ended"),
    _used(130, "ROBUST_CHANNEL_CE14_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 14 faulted and the copy's owner is ended"),
    _used(131, "ROBUST_CHANNEL_CE15_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 15 faulted and the copy's owner is ended"),
    _used(132, "ROBUST_CHANNEL_CE16_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 16 faulted and the copy's owner is ended"),
    _used(133, "ROBUST_CHANNEL_CE17_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 17 faulted and the copy's owner is ended"),
    _used(134, "ROBUST_CHANNEL_CE18_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 18 faulted and the copy's owner is ended"),
    _used(135, "ROBUST_CHANNEL_CE19_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "copy engine 19 faulted and the copy's owner is ended"),
    _used(136, "ALI_TRAINING_FAIL", B.RESET_GPU, B.INVESTIGATE_LINK_SI,
        "NVLinks could not be trained when the GPU came up: inspect both ends"),
    _used(137, "NVLINK_PRIV_ERR", B.IGNORE, B.XID_137_FLOW,
        "an access across NVLink was refused: usually the peer's program, not this GPU"),
    _unused(138, "ROBUST_CHANNEL_DLA_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "retired code: an error of the deep-learning accelerator"),
    _used(139, "ROBUST_CHANNEL_OFA1_ERROR", B.RESTART_APP, B.CONTACT_SUPPORT,
        "optical-flow engine 1 faulted and its user is ended"),
    _used(140, "UNRECOVERABLE_ECC_ERROR_ESCAPE", B.RESET_GPU, B.CONTACT_SUPPORT,
        "an uncorrectable error slipped past the recovery meant for it; the GPU needs a reset"),
    _used(141, "ROBUST_CHANNEL_FAST_PATH_ERROR", B.IGNORE, B.CONTACT_SUPPORT,
        "a fast-path fault on a channel, reported for the record"),
    _used(142, "ROBUST_CHANNEL_NVENC3_ERROR", B.CONTACT_SUPPORT, B.NOT_STATED,
        "video encoder 3 faulted"),
    _used(143, "GPU_INIT_ERROR", B.RESET_GPU, B.CONTACT_SUPPORT,
        "the GPU could not be initialised; reset it, and open a case if that does not help"),
    _used(144, "NVLINK_SAW_ERROR", B.WORKFLOW_NVLINK5_ERR, B.WORKFLOW_NVLINK5_ERR,
        "an NVLink 5 error where links join the GPU's memory side: decode its words"),
    _used(145, "NVLINK_RLW_ERROR", B.WORKFLOW_NVLINK5_ERR, B.WORKFLOW_NVLINK5_ERR,
        "an NVLink 5 error of the receiving link unit: decode its words"),
    _used(146, "NVLINK_TLW_ERROR", B.WORKFLOW_NVLINK5_ERR, B.WORKFLOW_NVLINK5_ERR,
        "an NVLink 5 error of the transmitting link unit: decode its words"),
    _used(147, "NVLINK_TREX_ERROR", B.WORKFLOW_NVLINK5_ERR, B.WORKFLOW_NVLINK5_ERR,
        "an NVLink 5 error of the traffic exchange between links: decode its words"),
    _used(148, "NVLINK_NVLPW_CTRL_ERROR", B.WORKFLOW_NVLINK5_ERR, B.WORKFLOW_NVLINK5_ERR,
        "an NVLink 5 error of the link block's own control: decode its words"),
    _used(149, "NVLINK_NETIR_ERROR", B.WORKFLOW_NVLINK5_ERR, B.WORKFLOW_NVLINK5_ERR,
        "an NVLink 5 error of the network port, link down included: decode it, look at both ends"),
    _used(150, "NVLINK_MSE_ERROR", B.WORKFLOW_NVLINK5_ERR, B.WORKFLOW_NVLINK5_ERR,
        "an NVLink 5 error of the link management engine: decode its words"),
    _used(151, "ROBUST_CHANNEL_KEY_ROTATION_ERROR", B.RESTART_VM, B.CONTACT_SUPPORT,
        "encryption keys of a confidential guest could not be rotated; restart the guest"),
    _used(152, "ROBUST_CHANNEL_DLA_SMMU_ERROR", B.IGNORE, B.CONTACT_SUPPORT,
        "the memory unit of the deep-learning accelerator reported a fault"),
    _used(153, "ROBUST_CHANNEL_DLA_TIMEOUT", B.IGNORE, B.CONTACT_SUPPORT,
        "the deep-learning accelerator did not finish in time"),
    _used(154, "GPU_RECOVERY_ACTION_CHANGED", B.XID_154, B.INFORMATIONAL,
        "the recovery that the driver asks for has changed; the text says to what"),
    _used(155, "NVLINK_SW_DEFINED_ERROR", B.RESET_GPU, B.INVESTIGATE_SW_USER,
        "NVLink software declared a fault: read its text, then reset"),
    _used(156, "RESOURCE_RETIREMENT_EVENT", B.RESET_GPU, B.IGNORE,
        "a part of the GPU was taken out of service; it is gone for good after a reset"),
    _used(157, "RESOURCE_RETIREMENT_FAILURE", B.IGNORE, B.CONTACT_SUPPORT,
        "a part of the GPU could not be taken out of service"),
    _used(158, "GPU_FATAL_TIMEOUT", B.RESET_GPU, B.CONTACT_SUPPORT,
        "a fatal time-out inside the GPU; it needs a reset"),
    _used(159, "ROBUST_CHANNEL_CHI_NON_DATA_ERROR", B.CHECK_UVM, B.SYMPATHETIC_REPORT_SOLO,
        "the coherent link to the CPU carried an error that was not data: see what came with it"),
    _used(160, "CHANNEL_RETIREMENT_EVENT", B.IGNORE, B.INVESTIGATE_SW,
        "a memory channel is marked for repair by a spare"),
    _used(161, "CHANNEL_RETIREMENT_FAILURE", B.IGNORE, B.INVESTIGATE_SW,
        "a memory channel could not be repaired by a spare"),
    _used(162, "PSHC_REENGAGED", B.NOT_STATED, B.NOT_STATED,
        "power-smoothing hardware is at work again"),
    _used(163, "PSHC_DISENGAGED", B.NOT_STATED, B.NOT_STATED,
        "power-smoothing hardware went out of use"),
    _used(164, "PSHC_LOW_LIFETIME", B.NOT_STATED, B.NOT_STATED,
        "power-smoothing hardware nears the end of its rated life"),
    _used(165, "PSHC_ZERO_LIFETIME", B.NOT_STATED, B.NOT_STATED,
        "power-smoothing hardware reached the end of its rated life"),
    _used(166, "NVLINK_SECURE_CRYPTO_ERR", B.NOT_STATED, B.NOT_STATED,
        "encryption on a protected NVLink failed"),
    _used(167, "PCIE_FATAL_TIMEOUT", B.NOT_STATED, B.NOT_STATED,
        "a PCIe request of the GPU timed out fatally"),
    _used(168, "REDUCED_GPU_MEMORY_CAPACITY", B.NOT_STATED, B.NOT_STATED,
        "the GPU offers less memory than it was built with"),
    _used(169, "SEC2_HALT_ERROR", B.NOT_STATED, B.NOT_STATED,
        "the security processor's firmware stopped"),
    _used(170, "NVLINK_SECURE_OTHER", B.NOT_STATED, B.NOT_STATED,
        "a protected NVLink failed other than in its encryption"),
    _used(171, "UNCORRECTABLE_DRAM_ERROR", B.NOT_STATED, B.NOT_STATED,
        "an uncorrectable error in the board's DRAM: it owns the incident"),
    _used(172, "UNCORRECTABLE_SRAM_ERROR", B.NOT_STATED, B.NOT_STATED,
        "an uncorrectable error in the GPU's SRAM: it owns the incident"),
)
# fmt: on
_ADVICE: Mapping[Bucket, XidAdvice] = MappingProxyType(
    {
        B.RESET_GPU: XidAdvice.RESET,
        B.RESTART_BM: XidAdvice.RESTART,
        B.RESTART_VM: XidAdvice.RESTART,
        B.WORKFLOW_NVLINK_ERR: XidAdvice.INSPECT_LINK,
        B.WORKFLOW_NVLINK5_ERR: XidAdvice.INSPECT_LINK,
        B.CONTACT_SUPPORT: XidAdvice.CONTACT_SUPPORT,
        B.NOT_STATED: XidAdvice.UNKNOWN,
    }
)
BY_CODE: Mapping[int, Xid] = MappingProxyType({xid.code: xid for xid in XIDS})


def advice_of(bucket: Bucket) -> XidAdvice:
    """What a bucket of immediate action asks of people; most ask nothing of whoever runs a host."""
    return _ADVICE.get(bucket, XidAdvice.NOTHING_URGENT)


def advice(code: int) -> XidAdvice:
    """What the catalog says to do at once about a code; UNKNOWN for one that it does not have."""
    xid = BY_CODE.get(code)
    return XidAdvice.UNKNOWN if xid is None else advice_of(xid.immediate)


def describe(code: int) -> str:
    """One line for people: the code, what it means and what NVIDIA's catalog says to do.

    A code that is not in the catalog is said to be so; the line never is empty.
    """
    xid = BY_CODE.get(code)
    if xid is None:
        return f"Xid {code}: not in NVIDIA's catalog of October 2025 (see {CATALOG_URL})"
    advice = [bucket for bucket in (xid.immediate, xid.investigate) if bucket is not B.NOT_STATED]
    if not advice:
        return f"Xid {code}: {xid.meaning} (NVIDIA names no action)"
    return f"Xid {code}: {xid.meaning} (NVIDIA: {', then '.join(dict.fromkeys(advice))})"
