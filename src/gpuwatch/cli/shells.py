"""Shells: what completion scripts have in common with none of our commands; facts are filled in.

For bash and zsh a function tells, for the words so far, what may follow: subcommands, options,
options that take a value (with its kind) and the kinds of the arguments in their places.
"""

_FACTS = """_gpuwatch_facts() {
    subs='' options='' takes='' places=''
    case $1 in
@FACTS@
    esac
}
"""

BASH = (
    """# bash completion for gpuwatch, written by: gpuwatch completion bash
# Source it, or put it into /usr/share/bash-completion/completions/gpuwatch.
"""
    + _FACTS
    + r"""
_gpuwatch_values() {
    case $1 in
        =*) COMPREPLY=($(compgen -W "$(tr , ' ' <<<"${1#=}")" -- "$2")) ;;
        files) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$2")) ;;
        gpus | flags | bmcs | subjects | runbooks)
            set -- "$("${COMP_WORDS[0]}" complete-names "$1" 2>/dev/null)" "$2"
            COMPREPLY=($(compgen -W "$1" -- "$2"))
            ;;
    esac
}

_gpuwatch() {
    local cur=${COMP_WORDS[COMP_CWORD]} line='' kind='' i word pair
    local subs options takes places place=0
    COMPREPLY=()
    _gpuwatch_facts ''
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $kind ]]; then kind=''; continue; fi
        if [[ $word == -- ]]; then compopt -o default 2>/dev/null; return; fi
        if [[ $word == -* ]]; then
            for pair in $takes; do [[ $pair == "$word="* ]] && kind=${pair#*=}; done
        elif [[ " $subs " == *" $word "* ]]; then
            line=${line:+$line }$word
            _gpuwatch_facts "$line"
        else
            place=$((place + 1))
        fi
    done
    if [[ -n $kind ]]; then _gpuwatch_values "$kind" "$cur"; return; fi
    if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$cur")); return; fi
    if [[ -n $subs ]]; then COMPREPLY=($(compgen -W "$subs" -- "$cur")); return; fi
    set -- $places
    while ((place > 0)) && [[ $1 != *'*' ]]; do shift || return; place=$((place - 1)); done
    _gpuwatch_values "${1%'*'}" "$cur"
}

complete -F _gpuwatch gpuwatch
"""
)

ZSH = (
    """#compdef gpuwatch
# zsh completion for gpuwatch, written by: gpuwatch completion zsh
# Put it as _gpuwatch into a folder of fpath.
"""
    + _FACTS
    + r"""
_gpuwatch_values() {
    case $1 in
        =*) compadd -- ${(s:,:)1#=} ;;
        files) _files ;;
        gpus | flags | bmcs | subjects | runbooks)
            compadd -- $("$program" complete-names "$1" 2>/dev/null)
            ;;
    esac
}

_gpuwatch() {
    local program=${words[1]} cur=${words[CURRENT]} line='' kind='' word pair
    local subs options takes places
    local -i i place=0
    local -a kinds
    _gpuwatch_facts ''
    for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
        if [[ -n $kind ]]; then kind=''; continue; fi
        if [[ $word == -- ]]; then _files; return; fi
        if [[ $word == -* ]]; then
            for pair in ${=takes}; do [[ $pair == "$word="* ]] && kind=${pair#*=}; done
        elif [[ " $subs " == *" $word "* ]]; then
            line=${line:+$line }$word
            _gpuwatch_facts "$line"
        else
            place=$((place + 1))
        fi
    done
    if [[ -n $kind ]]; then _gpuwatch_values "$kind"; return; fi
    if [[ $cur == -* ]]; then compadd -- ${=options}; return; fi
    if [[ -n $subs ]]; then compadd -- ${=subs}; return; fi
    kinds=(${=places})
    while ((place > 0 && $#kinds > 0)) && [[ ${kinds[1]} != *'*' ]]; do
        shift kinds
        place=$((place - 1))
    done
    (($#kinds)) && _gpuwatch_values "${kinds[1]%'*'}"
}

if [[ $funcstack[1] == _gpuwatch ]]; then _gpuwatch "$@"; else compdef _gpuwatch gpuwatch; fi
"""
)

FISH = r"""# fish completion for gpuwatch, written by: gpuwatch completion fish
# Put it as gpuwatch.fish into ~/.config/fish/completions.
function __gpuwatch_said
    # The words so far, without options.
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or echo $word
    end
end

function __gpuwatch_is
    # True when the words so far are these, and no more.
    set -l said (__gpuwatch_said)
    test "$said" = "$argv"
end

function __gpuwatch_at
    # True when the words so far begin with these.
    set -l said (__gpuwatch_said)
    set -l length (count $argv)
    test (count $said) -ge $length; or return 1
    set -l first $said[1..$length]
    test "$first" = "$argv"
end

function __gpuwatch_names
    set -l words (commandline -opc)
    $words[1] complete-names $argv[1] 2>/dev/null
end

complete -c gpuwatch -f
@LINES@
"""
