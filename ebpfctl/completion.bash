# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2207
# bash's completion of ebpfctl. What there is to complete is printed by ebpfctl itself, when the agent is built.
@ebpfctl bash@

# The programs that are loaded, from the bus; a loaderd that hangs holds up no shell.
_ebpfctl_programs() {
	timeout 1 "$1" ${2:+--bus "$2"} list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_ebpfctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} verb='' bus='' word i args=0 words=''
	local before=() IFS=$' \t\n'

	COMPREPLY=()
	# bash parts words at "=" and ":", too
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n ${_ebpfctl_value[$word]:-} ]]; then
			((++i))
			[[ ${COMP_WORDS[i]} == = ]] && ((++i))
			if ((i >= COMP_CWORD)); then
				[[ $cur == = ]] && cur=
				_ebpfctl_of_option "${_ebpfctl_value[$word]}" "$cur"
				return
			fi
			[[ $word == --bus ]] && bus=${COMP_WORDS[i]}
			while [[ ${COMP_WORDS[i + 1]:-} == [:=]* || ${COMP_WORDS[i]} == *[:=] ]] && ((i + 1 < COMP_CWORD)); do
				((++i))
				[[ $word == --bus ]] && bus+=${COMP_WORDS[i]}
			done
		elif [[ $word == -* ]]; then
			:
		elif [[ -z $verb ]]; then
			verb=$word
		else
			before+=("$word")
			((++args))
		fi
	done

	if [[ $cur == -* ]]; then
		words=${_ebpfctl_options[${verb:-list}]:-}
		[[ -n $verb ]] || words+=' --version'
	elif [[ -z $verb ]]; then
		words=$_ebpfctl_verbs
	elif ((${_ebpfctl_max[$verb]:-0} >= 0 && args >= ${_ebpfctl_max[$verb]:-0})); then
		return
	else
		case ${_ebpfctl_kind[$verb]:-} in
		file) _ebpfctl_files "$cur" '!*.@(yaml|yml)'; return ;;
		program) words=$(_ebpfctl_programs "${COMP_WORDS[0]}" "$bus") ;;
		daemon) words=$_ebpfctl_daemons ;;
		verb) words=$_ebpfctl_verbs ;;
		esac
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	# what stands there already is not offered again
	for word in "${before[@]}"; do
		for i in "${!COMPREPLY[@]}"; do [[ ${COMPREPLY[i]} == "$word" ]] && unset "COMPREPLY[i]"; done
	done
	COMPREPLY=("${COMPREPLY[@]}")
}

_ebpfctl_of_option() {
	case $1 in
	DIR) _ebpfctl_files "$2" '*' ;;
	FILE) _ebpfctl_files "$2" '' ;;
	esac
}

# Files but those that match $2, and folders; bash quotes what has to be quoted.
_ebpfctl_files() {
	local IFS=$'\n' extglob
	extglob=$(shopt -p extglob)
	shopt -s extglob
	COMPREPLY=($(compgen -d -- "$1"; compgen -f -X "$2" -- "$1"))
	eval "$extglob"
	COMPREPLY=($(printf '%s\n' "${COMPREPLY[@]}" | sort -u))
	compopt -o filenames 2>/dev/null
}

complete -F _ebpfctl ebpfctl
