#!/usr/bin/perl
# 5-migrate - a log of an older tamis is brought forward, with all that stands in it
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(run_command slurp);
use Tamis::Live qw(live_filter live_mta play);

plan skip_all => 'no sqlite3 shell' if system('sqlite3 -version >/dev/null 2>&1') != 0;
alarm 120;

sub shape {
    my ($filter) = @_;
    return [$filter->sql("SELECT m.type, m.name, group_concat(t.name || ' ' || t.type || ' ' ||"
        . " t.\"notnull\" || t.pk) AS columns FROM sqlite_master AS m LEFT JOIN"
        . " pragma_table_info(m.name) AS t WHERE m.name NOT LIKE 'sqlite_%' GROUP BY m.name ORDER BY m.name"),
        $filter->sql('PRAGMA user_version')];
}

my $new = live_filter();
ok $new->wait_sql(1, 'SELECT 1 FROM policy'), 'a new log';
my $filter = Tamis::Filter->new(conf => slurp($new->dir . '/milter.conf'),
    files => { rcpt => slurp($new->dir . '/rcpt') });
my ($status, $out, $err) = run_command(['sqlite3', '-bail', $filter->log_file,
    ".read '$ENV{srcdir}/t/lib/log-1.sql'"]);
is "$status$err", '0', 'a log of version 1';
my @decisions = $filter->sql('SELECT * FROM decision');
is scalar @decisions, 3, 'with three transactions';
$filter->start;
ok $filter->wait_sql(1, 'SELECT 1 FROM policy'), 'opened by this version';
is_deeply shape($filter), shape($new), 'it has the tables and views of a new one';
for my $row ($filter->sql('SELECT * FROM decision ORDER BY id')) {
    my ($old) = grep { $_->{id} == $row->{id} } @decisions;
    is_deeply [delete @$row{qw(policy size)}], [undef, undef], 'what nobody knew';
    is_deeply $row, $old, 'a decision is as it was';
}
is_deeply [$filter->sql('SELECT n, restriction, question, answer, result, us FROM check_result'
    . ' ORDER BY id, n')],
    [{ n => 1, restriction => 'permit_mynetworks', question => undef, answer => undef,
        result => 'dunno', us => 3 },
     { n => 2, restriction => 'check_client_access texthash:client', question =>
        'table texthash:client mail.example', answer => 'REJECT go', result => 'reject', us => 12 }],
    'steps';
is_deeply [$filter->sql('SELECT id & 4095 AS id, n, question, state, answer, us FROM question ORDER BY id, n')],
    [{ id => 0, n => 1, question => 'dns MX b.example', state => 'found', answer => '10 mx.b.example', us => 900 },
     { id => 0, n => 2, question => 'rbl zen.example 192.0.2.7', state => 'none', answer => 'NXDOMAIN', us => 1 },
     { id => 1, n => 1, question => 'dns MX b.example', state => 'found', answer => '10 mx.b.example', us => 7 }],
    'questions were steps, and are questions';
my $mta = live_mta($filter);
play($mta, '<bob@example.org>');
$mta->quit;
ok $filter->wait_sql(4, 'SELECT 1 FROM decision'), 'and it is written into';
is $filter->stop, 0, 'ends';
is_deeply [$filter->sql('PRAGMA integrity_check')], [{ integrity_check => 'ok' }], 'integrity';
is $new->stop, 0, 'the other ends';
done_testing;
