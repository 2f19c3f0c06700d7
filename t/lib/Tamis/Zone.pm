# Tamis::Zone - session scripts whose DNS is a zone file
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Zone;
use strict;
use warnings;
use Exporter 'import';
use Tamis::Session;
use Test::More;

our @EXPORT = qw(zone_plays);

# Plays pairs of command and expected answer ('' : any) with the zone file's text; one test a pair.
sub zone_plays {
    my ($name, $zone, $conf, @pairs) = @_;
    my (@commands, @want);
    while (my ($command, $want) = splice @pairs, 0, 2) {
        push @commands, $command;
        push @want, $want;
    }
    my $file = write_file('milter.conf', "postfix_config_directory =\n$conf");
    my ($out, $err, $status) = run_tamis(join('', map { "$_\n" } @commands),
        'test', '-c', $file, '--zone', write_file('zone', $zone), '--session', '-');
    my @got = split /\n/, $out;
    is($status, 0, "$name: exit status") or diag $err;
    for my $i (0 .. $#commands) {
        is($got[$i], $want[$i], "$name: $commands[$i]") if $want[$i] ne '';
    }
}

1;
