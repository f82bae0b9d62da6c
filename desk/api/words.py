"""The page's words, Chinese first; an unknown key is shown as it is."""

STAGES = {
    "welcome": "接听 welcome",
    "menu": "菜单 menu",
    "connect": "转接 connecting",
    "talk": "通话 talking",
    "message": "留言 message",
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
