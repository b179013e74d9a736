import Shared

/// `kconsole completion`: prints a script that completes commands, flags and names.
enum CompletionCommand {
    static let verb = Verb(
        "completion", "Print a completion script for a shell.", operands: "bash|zsh", isRemote: false,
        notes: "bash: source <(kconsole completion bash)\nzsh:  source <(kconsole completion zsh)",
        actions: ["bash", "zsh"]
    ) { call in
        switch call.operands {
        case ["bash"]: call.write(CompletionScript.bash(CommandTable.verbs))
        case ["zsh"]: call.write(CompletionScript.zsh(CommandTable.verbs))
        default: throw call.usage("completion takes bash or zsh")
        }
        return 0
    }
}

/// Completion scripts made of the table of commands. Pure.
enum CompletionScript {
    static func bash(_ verbs: [Verb]) -> String {
        var text = """
            # Completion of kconsole for bash; made by: kconsole completion bash
            _kconsole() {
                local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="" first="" index
                COMPREPLY=()
                for ((index = 1; index < COMP_CWORD; index++)); do
                    case "${COMP_WORDS[index]}" in
                        -*) ;;
                        *) if [ -z "$verb" ]; then verb="${COMP_WORDS[index]}"; elif [ -z "$first" ]; then first="${COMP_WORDS[index]}"; fi ;;
                    esac
                done
                case "$before" in
                    -n|--namespace) COMPREPLY=($(compgen -W "$(_kconsole_names namespaces)" -- "$word")); return ;;
                    --context) COMPREPLY=($(compgen -W "$(kconsole config get-contexts 2>/dev/null | awk 'NR > 1 { sub(/^\\*/, ""); print $1 }')" -- "$word")); return ;;
                    -f|--filename|--kubeconfig|--state) COMPREPLY=($(compgen -f -- "$word")); return ;;
                esac
                case "$verb" in
                    "") COMPREPLY=($(compgen -W "\(verbs.map(\.name).joined(separator: " ")) --help --version" -- "$word")); return ;;

            """
        for verb in verbs {
            let names = ([verb.name] + verb.aliases).joined(separator: "|")
            text +=
                "        \(names)) _kconsole_one \"\(flags(verb))\" \"\(verb.actions.joined(separator: " "))\" \(verb.completes) ;;\n"
        }
        return text + """
                esac
            }
            _kconsole_names() { kconsole get "$1" -o name 2>/dev/null | sed 's|^[^/]*/||'; }
            _kconsole_one() {
                if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W "$1" -- "$word")); return; fi
                if [ -n "$2" ] && [ -z "$first" ]; then COMPREPLY=($(compgen -W "$2" -- "$word")); return; fi
                case "$3" in
                    pods) COMPREPLY=($(compgen -W "$(_kconsole_names pods)" -- "$word")) ;;
                    nodes) COMPREPLY=($(compgen -W "$(_kconsole_names nodes)" -- "$word")) ;;
                    machines) COMPREPLY=($(compgen -W "$(kconsole node list 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$word")) ;;
                    objects)
                        if [ -z "$first" ]; then COMPREPLY=($(compgen -W "$(kconsole api-resources -o name 2>/dev/null)" -- "$word"))
                        else COMPREPLY=($(compgen -W "$(_kconsole_names "$first")" -- "$word")); fi ;;
                esac
            }
            complete -o default -F _kconsole kconsole

            """
    }

    static func zsh(_ verbs: [Verb]) -> String {
        var text = """
            #compdef kconsole
            # Completion of kconsole for zsh; made by: kconsole completion zsh
            _kconsole_names() { compadd -- ${(f)"$(kconsole get "$1" -o name 2>/dev/null | sed 's|^[^/]*/||')"} }
            _kconsole() {
                local verb="" first="" index before="${words[CURRENT-1]}"
                for ((index = 2; index < CURRENT; index++)); do
                    case "${words[index]}" in
                        -*) ;;
                        *) if [[ -z "$verb" ]]; then verb="${words[index]}"; elif [[ -z "$first" ]]; then first="${words[index]}"; fi ;;
                    esac
                done
                case "$before" in
                    -n|--namespace) _kconsole_names namespaces; return ;;
                    -f|--filename|--kubeconfig|--state) _files; return ;;
                esac
                case "$verb" in
                    "")
                        local -a commands
                        commands=(

            """
        for verb in verbs { text += "                \(quoted("\(verb.name):\(verb.spec.summary)"))\n" }
        text += "            )\n            _describe command commands\n            return ;;\n"
        for verb in verbs {
            let names = ([verb.name] + verb.aliases).joined(separator: "|")
            text +=
                "        \(names)) _kconsole_one \"\(flags(verb))\" \"\(verb.actions.joined(separator: " "))\" \(verb.completes) ;;\n"
        }
        return text + """
                esac
            }
            _kconsole_one() {
                if [[ "${words[CURRENT]}" == -* ]]; then compadd -- ${=1}; return; fi
                if [[ -n "$2" && -z "$first" ]]; then compadd -- ${=2}; return; fi
                case "$3" in
                    pods) _kconsole_names pods ;;
                    nodes) _kconsole_names nodes ;;
                    machines) compadd -- ${(f)"$(kconsole node list 2>/dev/null | awk 'NR > 1 { print $1 }')"} ;;
                    objects)
                        if [[ -z "$first" ]]; then compadd -- ${(f)"$(kconsole api-resources -o name 2>/dev/null)"}
                        else _kconsole_names "$first"; fi ;;
                esac
            }
            if (( $+functions[compdef] )); then compdef _kconsole kconsole; fi

            """
    }

    private static func flags(_ verb: Verb) -> String {
        (verb.spec.flags.map { "--\($0.name)" } + ["--help"]).joined(separator: " ")
    }
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
