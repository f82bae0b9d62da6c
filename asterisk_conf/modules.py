"""Which Asterisk modules we load, and which of them make an Asterisk usable for us.

The list is explicit (`autoload=no`): a module that is not needed cannot warn, open a port or
offer a way out. Groups follow what a reader looks for; the loader sorts out the order itself.
"""

MODULES: dict[str, tuple[str, ...]] = {
    "timing, storage of objects, dialplan": (
        "res_timing_timerfd",
        "res_sorcery_config",
        "res_sorcery_memory",
        "res_sorcery_astdb",
        "pbx_config",
    ),
    "dialplan functions": (
        "func_callerid",
        "func_cdr",
        "func_channel",
        "func_devstate",
        "func_env",  # FILE() writes the note of a call, STAT() looks for prompts
        "func_global",
        "func_hangupcause",
        "func_logic",  # SET() renews the lease; IMPORT() looks who is left with a caller
        "func_pjsip_endpoint",
        "func_strings",
        "func_timeout",  # TIMEOUT(absolute) is the lease
        "func_uri",  # a caller's text enters the note URI-encoded
    ),
    "codecs and file formats": (
        "codec_alaw",
        "codec_ulaw",
        "codec_a_mu",
        "codec_resample",
        "format_pcm",
        "format_sln",
        "format_wav",
    ),
    "SIP and RTP": (
        "res_rtp_asterisk",
        "res_pjproject",
        "res_pjsip",
        "res_pjsip_session",
        "res_pjsip_pubsub",  # chan_pjsip does not load without it
        "res_pjsip_sdp_rtp",
        "res_pjsip_endpoint_identifier_ip",
        "res_pjsip_endpoint_identifier_user",
        "res_pjsip_authenticator_digest",
        "res_pjsip_outbound_authenticator_digest",
        "res_pjsip_outbound_registration",
        "res_pjsip_registrar",
        "res_pjsip_caller_id",
        "res_pjsip_diversion",
        # Requests inside a call that no module takes are never answered, and the other side hangs
        # up after 32 s: carriers use OPTIONS and empty INFO as signs of life. REFER is taken so
        # that it is refused (allow_transfer=no).
        "res_pjsip_dlg_options",
        "res_pjsip_dtmf_info",
        "res_pjsip_empty_info",
        "res_pjsip_refer",
        "res_pjsip_header_funcs",
        "res_pjsip_nat",
        "res_pjsip_rfc3326",
        "res_security_log",  # failed logins, for fail2ban
        "chan_pjsip",
    ),
    "bridges": (
        "bridge_simple",
        "bridge_softmix",
        "bridge_holding",
        "bridge_native_rtp",
        "bridge_builtin_features",
        "chan_bridge_media",
    ),
    "applications of the dialplan": (
        "app_channelredirect",
        "app_dial",
        "app_echo",
        "app_playback",
        "app_queue",
        "app_record",
        "app_stack",  # Gosub, and hang-up handlers
        "app_stasis",
        "app_userevent",
        "app_verbose",
        "res_musiconhold",
    ),
    "AGI": (
        "res_speech",  # res_agi does not load without it
        "res_agi",
    ),
    "HTTP, websockets, media over them": (
        "res_http_websocket",
        "res_websocket_client",  # chan_websocket does not load without it
        "chan_websocket",
        "res_rtp_multicast",  # chan_rtp does not load without it
        "chan_rtp",
    ),
    "ARI": (
        "res_stasis",
        "res_stasis_answer",
        "res_stasis_device_state",
        "res_stasis_playback",
        "res_stasis_recording",
        "res_stasis_snoop",
        "res_ari",
        "res_ari_model",
        "res_ari_applications",
        "res_ari_asterisk",
        "res_ari_bridges",
        "res_ari_channels",
        "res_ari_device_states",
        "res_ari_endpoints",
        "res_ari_events",
        "res_ari_playbacks",
        "res_ari_recordings",
        "res_ari_sounds",
    ),
    "call detail records, manager": (
        "res_cdrel_custom",  # cdr_custom does not load without it
        "cdr_custom",
        "res_manager_devicestate",
    ),
}

ALL_MODULES: tuple[str, ...] = tuple(name for group in MODULES.values() for name in group)

# What an Asterisk that somebody else configured must have running for the application to work.
NEEDED_RUNNING: tuple[str, ...] = (
    "app_channelredirect",
    "app_record",
    "app_stack",
    "app_stasis",
    "chan_pjsip",
    "chan_websocket",
    "func_channel",
    "func_env",
    "func_logic",
    "func_strings",
    "func_timeout",
    "func_uri",
    "res_agi",
    "res_ari",
    "res_ari_applications",
    "res_ari_bridges",
    "res_ari_channels",
    "res_ari_events",
    "res_ari_playbacks",
    "res_ari_recordings",
    "res_http_websocket",
    "res_musiconhold",
    "res_stasis_answer",
    "res_stasis_playback",
    "res_stasis_recording",
    "res_stasis_snoop",
)

# Empty files: Asterisk mentions each one that it looks for and does not find.
EMPTY_FILES: tuple[str, ...] = (
    "acl.conf",
    "ccss.conf",
    "cel.conf",
    "chan_websocket.conf",
    "codecs.conf",
    "dnsmgr.conf",
    "dsp.conf",
    "features.conf",
    "queuerules.conf",
    "stasis.conf",
    "stun.conf",
    "udptl.conf",
    "websocket_client.conf",
)
