/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/stat.h>

#include "yamltest.h"
#include "rundir.h"
#include "../../abi/names.h"
#include "../../common/manifest.h"
#include "../../common/paths.h"
#include "../../common/program.h"
