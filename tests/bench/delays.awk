# SPDX-License-Identifier: GPL-3.0-or-later
# share/examples/delays.json in gawk: airports first (some fields quoted), then flights (none quoted).
BEGIN { FPAT = "([^,]*)|(\"([^\"]|\"\")*\")"; OFS = "," }
NR == FNR { if (FNR > 1) state[$1] = $4; next }
FNR == 1 { FS = ","; $0 = $0; next }
$2 > 0 && ($4 in state) { s = state[$4]; sum[s] += $2; n[s]++ }
END {
    print "state", "minutes", "mean", "flights"
    cmd = "LC_ALL=C sort -t, -k2,2nr -k1,1"
    for (s in sum) print s, sum[s], sprintf("%.17g", sum[s] / n[s]), n[s] | cmd
    close(cmd)
}
