{
  "targets": [
    {
      "target_name": "fairlead",
      "sources": [
        "native/addon.cc",
        "native/linux/bpf.cc",
        "native/linux/bpf_load.cc",
        "native/linux/file.cc",
        "native/linux/json_pick.cc",
        "native/linux/named_namespace.cc",
        "native/linux/namespace.cc",
        "native/linux/netlink_exchange.cc",
        "native/linux/netlink_socket.cc",
        "native/linux/netlink_wire.cc",
        "native/linux/process.cc",
        "native/linux/spawn.cc",
        "native/linux/stop_signal.cc",
        "native/napi/arguments.cc",
        "native/napi/bpf_handle.cc",
        "native/napi/datagrams.cc",
        "native/napi/environment.cc",
        "native/napi/errors.cc",
        "native/napi/json_functions.cc",
        "native/napi/namespace_functions.cc",
        "native/napi/namespace_handle.cc",
        "native/napi/netlink_functions.cc",
        "native/napi/run_function.cc",
        "native/napi/socket_handle.cc",
        "native/napi/subscription_handle.cc",
      ],
      "defines": [
        "NAPI_VERSION=9",
        "NODE_ADDON_API_CPP_EXCEPTIONS",
        # A worker that is being terminated takes no exception any more; without this, that aborts the process.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "_GNU_SOURCE",
      ],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-Wno-unused-parameter"],
      # Headers of others are system headers: -Werror is for our own code.
      "cflags_cc": [
        "-std=gnu++17",
        "-isystem", "<!(node -p \"require('path').resolve(require('node-addon-api').include_dir)\")",
        "-Wall", "-Wextra", "-Werror",
        "-fvisibility=hidden",
      ],
    }
  ]
}
