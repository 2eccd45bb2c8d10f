# fish completion for etl-profile
# SPDX-License-Identifier: GPL-3.0-or-later
# Generated from the option table by make docs: do not edit.
complete -c etl-profile -s i -l input-format -x -a 'csv tsv jsonl' -d 'read FORM (default: by the file\'s name, else by its content)'
complete -c etl-profile -l delimiter -x -d 'fields are separated by C'
complete -c etl-profile -l no-header -d 'the first record is data; columns become column_1, column_2'
complete -c etl-profile -l dataset -x -d 'call the data NAME in the record'
complete -c etl-profile -l sample -x -d 'profile PCT of the records, chosen at random'
complete -c etl-profile -l seed -x -d 'seed of the sample and the sketches (default 1996)'
complete -c etl-profile -l fast -d 'only types, counts, moments and distinct values'
complete -c etl-profile -l records -r -F -d 'write the records to FILE, not to standard output'
complete -c etl-profile -l format -x -a 'auto json table' -d 'print JSON lines, or tables for people'
complete -c etl-profile -l store -r -F -d 'keep history in URL, a path or sqlite:PATH'
complete -c etl-profile -s q -l quiet -d 'print errors only'
complete -c etl-profile -s v -l verbose -d 'say more on stderr'
complete -c etl-profile -l config -r -F -d 'read settings from FILE'
complete -c etl-profile -s h -l help -d 'print this help'
complete -c etl-profile -l version -d 'print the version'
