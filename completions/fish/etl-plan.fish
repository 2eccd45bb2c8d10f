# fish completion for etl-plan
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from the option table by make docs: do not edit.
complete -c etl-plan -s e -l environments -r -F -d 'plan for the environment records in FILE'
complete -c etl-plan -l deadline -x -d 'refuse what would not end by then'
complete -c etl-plan -l objective -x -a 'time cost' -d 'choose the fastest or the cheapest environment'
complete -c etl-plan -l mode -x -a 'auto standard optimized sampling shadow' -d 'how etl-run is to run it'
complete -c etl-plan -l check -d 'only say whether it can be planned: a verdict, no plan'
complete -c etl-plan -l ignore-verdicts -d 'plan although a check before said no'
complete -c etl-plan -l from -x -a 'local' -d 'where to look for environments'
complete -c etl-plan -l format -x -a 'auto json table' -d 'print JSON lines, or tables for people'
complete -c etl-plan -l store -r -F -d 'keep history in URL, a path or sqlite:PATH'
complete -c etl-plan -s q -l quiet -d 'print errors only'
complete -c etl-plan -s v -l verbose -d 'say more on stderr'
complete -c etl-plan -l config -r -F -d 'read settings from FILE'
complete -c etl-plan -s h -l help -d 'print this help'
complete -c etl-plan -l version -d 'print the version'
complete -c etl-plan -n __fish_use_subcommand -f -a environments -d 'print the environments that are there, as records'
