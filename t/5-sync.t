#!/usr/bin/perl
# 5-sync - log_sync = message: what was accepted is in the log, whenever the filter is killed; and
# the one case in which the log stops mail
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

plan skip_all => 'no sqlite3 shell' if system('sqlite3 -version >/dev/null 2>&1') != 0;
alarm($ENV{LONG} ? 1800 : 300);

my $PLAYERS = 3;
my $number = 0;

# One message with this queue id; true when it was accepted.
sub accepted {
    my ($mta, $id) = @_;
    $mta->mail('<a@b.example>', i => $id);
    $mta->rcpt('<bob@example.org>');
    $mta->data;
    my $reply = $mta->content("Subject: x\n\nbody\n");
    $mta->abort;
    return $reply && ($reply->{action} // '') eq 'continue' && !$mta->{fault};
}

# Plays until the filter has gone; says each id that was accepted.
sub player {
    my ($filter, $out, $name) = @_;
    my $mta = eval { live_mta($filter) } or return;
    for (my $i = 0; $i < 5000; $i++) {
        last if !eval { accepted($mta, "$name-$i") };
        syswrite $out, "$name-$i\n";
    }
}

# Starts players, kills the filter once `count` messages were accepted; returns their ids.
sub storm {
    my ($filter, $count) = @_;
    my (@pids, @ids);
    pipe my $in, my $out or die "pipe: $!";
    for (1 .. $PLAYERS) {
        my $name = 'P' . ++$number;
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            close $in;
            player($filter, $out, $name);
            require POSIX;
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    close $out;
    while (my $line = <$in>) {
        chomp $line;
        push @ids, $line;
        $filter->signal('KILL') if @ids == $count;
    }
    waitpid $_, 0 for @pids;
    $filter->stop('KILL');
    return @ids;
}

sub kill_often {
    my ($mode, $rounds) = @_;
    my $filter = live_filter(set => { log_sync => $mode });
    my (@ids, $corrupt, %there);
    srand 7;
    for (1 .. $rounds) {
        push @ids, storm($filter, 1 + int rand 40);
        $filter->start;
        my ($check) = map { values %$_ } $filter->sql('PRAGMA integrity_check');
        $corrupt = $check if $check ne 'ok';
    }
    is $filter->stop, 0, "$mode: ends";
    %there = map { $_->{queue_id} => 1 } $filter->sql('SELECT queue_id FROM decision');
    is $corrupt, undef, "$mode: $rounds times killed: the file is whole";
    cmp_ok scalar @ids, '>=', $rounds, "$mode: mail was accepted";
    is_deeply [grep { !$there{$_} } @ids], [], "$mode: each accepted message has its row"
        if $mode eq 'message';
}

kill_often('message', $ENV{LONG} ? 200 : 6);
kill_often('batch', $ENV{LONG} ? 200 : 3);

subtest 'the log cannot be written' => sub {
    my $filter = live_filter(set => { log_sync => 'message', log_sync_time_limit => '1s',
        reject_token => 'yes' });
    my $mta = live_mta($filter);
    ok accepted($mta, 'FIRST'), 'accepted while it can';
    my $pid = open my $locker, '|-', 'sqlite3', $filter->log_file or die "sqlite3: $!";
    $locker->autoflush(1);
    print $locker ".output /dev/null\n.timeout 20000\nBEGIN IMMEDIATE;\n.shell touch '"
        . $filter->dir . "/locked'\n";
    ok wait_until(20, sub { -e $filter->dir . '/locked' }), 'locked';
    $mta->mail('<a@b.example>', i => 'SECOND');
    $mta->rcpt('<bob@example.org>');
    $mta->data;
    my $reply = $mta->content("Subject: x\n\nbody\n");
    $mta->abort;
    like $reply->{text}, qr/^451 4[.]3[.]0 Error: the decision log cannot be written \[(?:[0-9A-HJKMNP-TV-Z]{4}-?){2}\]\z/,
        'put off';
    my ($token) = $reply->{text} =~ /\[(.*)\]/;
    my ($refusal, @texts) = play($mta, '<reject@example.org>');
    like $texts[0], qr/^554 5[.]7[.]1 /, 'a refusal does not wait';
    print $locker "ROLLBACK;\n.quit\n";
    close $locker;
    ok wait_until(20, sub { accepted($mta, 'THIRD') }), 'accepted again';
    $mta->quit;
    is status_of($filter)->{messages}{tempfail}, 1, 'one is counted as put off';
    is $filter->stop, 0, 'ends';
    like $filter->stderr, qr/ SECOND: reject: END-OF-MESSAGE from .*: 451 4[.]3[.]0 .* \[\Q$token\E\]; from=<a\@b[.]example> /,
        'syslog says which';
    is_deeply [$filter->sql("SELECT action, code, dsn FROM decision WHERE queue_id = 'SECOND'"
        . " AND stage = 'END-OF-MESSAGE'")],
        [{ action => 'tempfail', code => 451, dsn => '4.3.0' }], 'the row says so';
    is_deeply [$filter->sql("SELECT queue_id, recipient FROM token JOIN decision USING (id)"
        . " WHERE token = '$token'")], [{ queue_id => 'SECOND', recipient => undef }], 'with its token';
};

subtest 'no log, or one that nobody waits for' => sub {
    my $filter = live_filter(set => { log_sync => 'message', log_file => '' });
    my $mta = live_mta($filter);
    ok accepted($mta, 'A'), 'without a file nobody waits';
    $mta->quit;
    is $filter->stop, 0, 'ends';
    $filter = live_filter(set => { log_sync => 'batch', log_file => '/dev/null/log.db' });
    $mta = live_mta($filter);
    ok accepted($mta, 'B'), 'batch: mail flows';
    $mta->quit;
    is $filter->stop, 0, 'ends';
    $filter = live_filter(conf => "mode = observe\n",
        set => { mode => 'observe', log_sync => 'message', log_file => '/dev/null/log.db' });
    $mta = live_mta($filter);
    ok accepted($mta, 'C'), 'observe: mail flows';
    $mta->quit;
    is $filter->stop, 0, 'ends';
};

done_testing;
