"""The page's words, Chinese first; an unknown key is shown as it is."""

STAGES = {
    "welcome": "接听 welcome",
    "menu": "菜单 menu",
    "queue": "排队 waiting",
    "talk": "通话 talking",
    "message": "留言 message",
    "callback": "回电 calling back",
    "confirm": "回访确认 confirming",
    "wrap_up": "收尾 wrap-up",
}
CAUSES = {
    "completed": "正常结束 completed",
    "hangup": "来电方挂机 caller hung up",
    "fault": "故障,已转拨号方案 fault, the dialplan served on",
    "lost": "随进程中断 lost with a former process",
}
TARGET_STATES = {
    "unknown": "尚未投递 nothing sent yet",
    "up": "正常 up",
    "down": "不可达 down",
    "disabled": "已停用 disabled",
}
AGENT_STATES = {
    "ready": "空闲 ready",
    "ringing": "振铃 ringing",
    "busy": "通话中 busy",
    "wrap_up": "话后处理 wrap-up",
    "away": "离席 away",
    "unreachable": "不可达 unreachable",
}
RECORDING = {
    "on": "录音中 recorded",
    "paused": "录音暂停 recording paused",
    "off": "不录音 not recorded",
    "refused": "来电方拒绝录音 recording refused",
}
TRANSCRIPT = {
    "live": "实时转写 transcribed live",
    "afterwards": "事后转写 transcribed afterwards",
    "off": "不转写 not transcribed",
}
SUPERVISION = {"listen": "监听 listens", "whisper": "耳语 whispers", "barge": "强插 steps in"}
