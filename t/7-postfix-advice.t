#!/usr/bin/perl
# 7-postfix-advice - a content filter returns mail: with tamis postfix's advice, one log row a message
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 180;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}
plan skip_all => 'this tamis has no subcommand milter'
    if (run_command([Tamis::Filter::tamis(), 'milter', '--help']))[0] != 0;

my $filter = Tamis::Filter->new(conf => "mode = enforce\n")->start;

# The filter is no program at all: mail is handed from the first listener to the last by smtp(8).
my $postfix = Tamis::Postfix->new(
    params    => { compatibility_level => '3.6' },
    milters   => $filter->milter,
    listeners => { back => { content_filter => '' } },
);
my $etc = $postfix->config_directory;
spew("$etc/main.cf", slurp("$etc/main.cf")
    . 'content_filter = smtp:[127.0.0.1]:' . $postfix->port('back') . "\n");
$postfix->start;

my $number = 0;

# Sends one message by each way, returns how many rows each has in the log.
sub rows {
    my $smtp = sprintf 'smtp%d@test.example', ++$number;
    my $local = sprintf 'local%d@test.example', $number;
    my $said = Tamis::Smtp->play(port => $postfix->port, mail => "<$smtp>",
        message => "Subject: over SMTP\n\nx\n");
    like($said->{end}, qr/^250 /, 'a message over SMTP is accepted');
    $postfix->sendmail(['-f', $local, 'a@test.example'], "Subject: by sendmail\n\nx\n");
    # What has arrived has passed every listener, and the log is written in order.
    $postfix->mail_of($_) or die "$_ does not arrive" for $smtp, $local;
    my $last = sprintf 'last%d@test.example', $number;
    Tamis::Smtp->play(port => $postfix->port, mail => "<$last>", message => "Subject: last\n\nx\n");
    $filter->wait_sql(1, "SELECT id FROM decision WHERE sender = '$last'");
    return map { scalar $filter->sql("SELECT id FROM decision WHERE sender = '$_'") }
        $smtp, $local;
}

# `tamis postfix` as an administrator calls it.
sub advice {
    local $ENV{PATH} = $postfix->bin_directory . ":$ENV{PATH}";
    return run_command([Tamis::Filter::tamis(), 'postfix', '-c', $etc,
        '-o', "socket=$filter->{socket}", '-o', 'mode=enforce']);
}

# Pastes what was printed: lines of main.cf at its end, entries of master.cf in place of theirs.
sub follow {
    my ($text) = @_;
    my %file = map { $_ => slurp("$etc/$_") } qw(main.cf master.cf);
    my ($name, %pasted);

    for my $line (split /\n/, $text) {
        if ($line =~ m{^# ---- .*/(main\.cf|master\.cf) ----$}) { $name = $1 }
        elsif ($line !~ /^#/) { $pasted{$name} .= "$line\n" }
    }
    for my $parameter (($pasted{'main.cf'} // '') =~ /^(\w+) =/mg) {
        $file{'main.cf'} =~ s/^$parameter =.*\n//mg;
    }
    for my $entry (($pasted{'master.cf'} // '') =~ /^(\S+\s+\S+)\s/mg) {
        my $words = join '\s+', map { quotemeta } split ' ', $entry;
        $file{'master.cf'} =~ s/^$words\s.*\n(?:\s.*\n)*//m or die "$entry is not there";
    }
    spew("$etc/$_", $file{$_} . ($pasted{$_} // '')) for keys %file;
}

is_deeply([rows()], [2, 2], 'without care each message is judged twice');

my ($status, $lines, $findings) = advice();
is($status, 0, 'tamis postfix');
like($findings, qr/^warning: master\.cf: 127\.0\.0\.1:\d+ inet takes mail back from a content filter/m,
    'it sees why');
$postfix->stop;
follow($lines);
$postfix->start;
is_deeply([rows()], [1, 1], 'with its advice once');

($status, $lines, $findings) = advice();
like($lines, qr/^# main\.cf and master\.cf have what tamis/, 'then there is nothing left to do');
unlike($findings, qr/^warning/m, 'and nothing is wrong');

$postfix->stop;
$filter->stop;
done_testing;
