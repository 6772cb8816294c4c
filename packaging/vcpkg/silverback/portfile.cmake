# SPDX-License-Identifier: MIT
#
# Of the tree that it stands in:
#   vcpkg install silverback --overlay-ports=packaging/vcpkg
# Not tried by vcpkg yet.

get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)

set(FEATURE_OPTIONS "")
foreach(feature IN ITEMS libdeflate redis tool)
    if(feature IN_LIST FEATURES)
        list(APPEND FEATURE_OPTIONS "-D${feature}=enabled")
    else()
        list(APPEND FEATURE_OPTIONS "-D${feature}=disabled")
    endif()
endforeach()

vcpkg_configure_meson(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${FEATURE_OPTIONS}
        -Disal=disabled
        -Dlibedit=disabled
        -Dtests=disabled
        -Dexamples=disabled
        -Dbench=disabled
)
vcpkg_install_meson()
vcpkg_fixup_pkgconfig()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/silverback)
if("tool" IN_LIST FEATURES)
    vcpkg_copy_tools(TOOL_NAMES ws AUTO_CLEAN)
endif()
file(REMOVE_RECURSE
    "${CURRENT_PACKAGES_DIR}/debug/include"
    "${CURRENT_PACKAGES_DIR}/debug/share"
)
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
