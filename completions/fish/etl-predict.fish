# fish completion for etl-predict
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from the option table by make docs: do not edit.
complete -c etl-predict -s p -l pipeline -x -a '(__fish_complete_suffix .json)' -d 'predict a run of PIPELINE'
complete -c etl-predict -l param -x -d 'set the pipeline\'s parameter K to V'
complete -c etl-predict -l scale -x -d 'as if there were X times the data'
complete -c etl-predict -l format -x -a 'auto json table' -d 'print JSON lines, or tables for people'
complete -c etl-predict -l store -r -F -d 'keep history in URL, a path or sqlite:PATH'
complete -c etl-predict -s q -l quiet -d 'print errors only'
complete -c etl-predict -s v -l verbose -d 'say more on stderr'
complete -c etl-predict -l config -r -F -d 'read settings from FILE'
complete -c etl-predict -s h -l help -d 'print this help'
complete -c etl-predict -l version -d 'print the version'
