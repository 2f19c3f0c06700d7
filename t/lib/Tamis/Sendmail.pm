# Tamis::Sendmail - a private Sendmail with Debian's sendmail.mc: own configuration, queue, ports
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Sendmail;

use strict;
use warnings;

use Exporter qw(import);
use POSIX qw(:sys_wait_h);
use Tamis::Guard qw(at_end not_at_end free_port listening run_command slurp spawn spew stop_process
    temp_dir wait_until);
use Tamis::Programs qw(server_file);
use Tamis::Sink;

our @EXPORT_OK = qw(sendmail_missing);

my $PROGRAM = 'usr/libexec/sendmail/sendmail';
my $CF = 'usr/share/sendmail/cf';
my $USER = 'mail'; # whose rights submission has; smmsp where Sendmail is installed

# Why there can be no private Sendmail here, for skip_all; undef if there can. Dies instead where
# TAMIS_SERVERS promises it.
sub sendmail_missing {
    my $why = $> != 0 ? 'Sendmail can be started by root only'
        : !defined server_file($PROGRAM) || !defined server_file("$CF/m4/cf.m4")
        ? 'no Sendmail here (./bootstrap check unpacks one)'
        : (run_command(['m4', '--version']))[0] != 0 ? 'no m4 here'
        : undef;
    die "$why\n" if defined $why && defined $ENV{TAMIS_SERVERS};
    return $why;
}

# Makes a configuration of the package's own sendmail.mc; start() starts. Options:
#   mc       lines for sendmail.mc, behind DOMAIN
#   listeners  hash: name of a further listener => options of its DAEMON_OPTIONS
#   access   lines of the access table
#   aliases  lines of the aliases
# It is mx.test.example, takes mail for the local users at test.example, relays for 127.0.0.1, and
# delivers everything to a Tamis::Sink.
sub new {
    my ($class, %opt) = @_;
    my $dir = temp_dir();
    my $self = bless {
        dir => $dir, opt => \%opt, program => server_file($PROGRAM),
        cf => server_file("$CF/m4/cf.m4") =~ s{/m4/cf\.m4\z}{}r,
    }, $class;

    $self->{ports}{$_} = free_port() for qw(smtp submission), sort keys %{ $opt{listeners} || {} };
    $self->{sink} = Tamis::Sink->new;
    mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(mail queue client);
    chmod 0700, "$dir/queue", "$dir/client";
    chown((getpwnam $USER)[2, 3], "$dir/client");
    $self->write_tables;
    $self->write_config($_) for qw(sendmail submit);
    return $self;
}

# The port of a listener: smtp (MTA-v4, the preset) or submission (MSP-v4).
sub port { $_[0]{ports}{ $_[1] // 'smtp' } }
sub queue_directory { "$_[0]{dir}/queue" }
sub log { slurp("$_[0]{dir}/stderr") }

sub write_tables {
    my ($self) = @_;
    my $mail = "$self->{dir}/mail";
    my $makemap = server_file('usr/libexec/sendmail/makemap');
    my $access = ($self->{opt}{access} // '') =~ s/^(\S+) /$1\t/mgr;

    spew("$mail/local-host-names", "test.example\n");
    spew("$mail/relay-domains", '');
    spew("$mail/trusted-users", "root\n");
    spew("$mail/aliases", "postmaster: boss\@test.example\n" . ($self->{opt}{aliases} // ''));
    spew("$mail/helpfile", '');
    spew("$mail/service.switch", "passwd files\nhosts files dns\naliases files\n");
    my ($status, undef, $err) = run_command([$makemap, '-C', '/dev/null', 'hash', "$mail/access.db"],
        stdin => $access);
    die "makemap: $err" if $status != 0;
}

sub quoted { "`$_[0]'" }

# The package's file with its paths and ports exchanged.
sub write_config {
    my ($self, $name) = @_;
    my $dir = $self->{dir};
    my $text = slurp("$self->{cf}/debian/$name.mc");
    my $head = "define(`MAIL_SETTINGS_DIR', `$dir/mail/')dnl\n"
        . "include(`$self->{cf}/m4/cf.m4')dnl\ninclude(`$self->{cf}/debian/autoconf.m4')dnl\n";
    my %define = (
        QUEUE_DIR => "$dir/queue", MSP_QUEUE_DIR => "$dir/client", STATUS_FILE => "$dir/statistics",
        ALIAS_FILE => "$dir/mail/aliases", HELP_FILE => "$dir/mail/helpfile",
        confPID_FILE => "$dir/$name.pid", confCONTROL_SOCKET_NAME => '',
        confHOST_STATUS_DIRECTORY => '', confSERVICE_SWITCH_FILE => "$dir/mail/service.switch",
        confTRUSTED_USER => 'root', confDOMAIN_NAME => 'mx.test.example',
        confCONNECTION_RATE_THROTTLE => '0', confTO_IDENT => '0',
        # A machine at work would have it queue mail, then refuse it.
        confQUEUE_LA => '10000', confREFUSE_LA => '10000', confDELAY_LA => '0',
        $name eq 'submit'
            ? (confRUN_AS_USER => $USER, RELAY_MAILER_ARGS => "TCP \$h $self->{ports}{smtp}")
            : $self->delivery,
    );
    my $own = join '', map { "define(`$_', `$define{$_}')dnl\n" } sort keys %define;

    $own .= ($self->{opt}{mc} // '') . $self->listeners if $name eq 'sendmail';
    $text =~ s{^include\(`[^']*/cf\.m4'\)dnl\n}{$head}m or die "$name.mc is another\n";
    $text =~ s{^(DOMAIN\(.*\n)}{$1$own}m or die "$name.mc is another\n";
    $text =~ s{^include\(`/etc/mail/m4/\w+\.m4'\)dnl\n}{}mg;
    $text =~ s{^(DAEMON_OPTIONS.*Port=)(smtp|submission)}{$1$self->{ports}{$2}}mg;
    $text =~ s{(`greet_pause', `)1000'}{${1}0'};
    $text =~ s{^(define\(`confCONNECTION_RATE_THROTTLE',) `15'}{$1 `0'}m;
    $text .= "Msink, P=[IPC], F=mDFMuXaz, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n, L=990,\n"
        . "\tT=DNS/RFC822/SMTP, A=TCP [127.0.0.1] " . $self->{sink}->port . "\n" if $name eq 'sendmail';
    my ($status, $out, $err) = run_command(['m4', spew("$dir/$name.mc", $text)]);
    die "m4: $err" if $status != 0 || $err ne '';
    spew("$dir/$name.cf", $out);
}

sub listeners {
    my ($self) = @_;
    my $listeners = $self->{opt}{listeners} || {};

    return join '', map {
        "DAEMON_OPTIONS(`Family=inet, Name=$_, Port=$self->{ports}{$_}, Addr=127.0.0.1, "
            . "$listeners->{$_}')dnl\n"
    } sort keys %$listeners;
}

# Local mail goes to the sink as to an LMTP server (LOCAL_MAILER_*), all other by a mailer with the
# flags of esmtp.
sub delivery {
    my ($self) = @_;
    return (
        LOCAL_MAILER_PATH => '[IPC]', LOCAL_MAILER_FLAGS => 'PSXmnz9', LOCAL_MAILER_EOL => '\r\n',
        LOCAL_MAILER_ARGS => 'TCP [127.0.0.1] ' . $self->{sink}->port,
        SMART_HOST => 'sink:[127.0.0.1]',
    );
}

# Starts it and returns when it listens. Dies with what it said if it does not.
sub start {
    my ($self) = @_;
    my $ended;

    $self->{pid} = spawn([$self->{program}, '-bD', '-C', "$self->{dir}/sendmail.cf",
        @{ $self->{opt}{args} || [] }], stderr => "$self->{dir}/stderr", stdout => "$self->{dir}/stderr");
    at_end("$self", sub { $self->stop });
    wait_until(20, sub {
        $ended = waitpid($self->{pid}, WNOHANG) != 0;
        return $ended || !grep { !listening($_) } values %{ $self->{ports} };
    });
    return $self if !$ended && listening($self->port);
    $self->stop;
    die "Sendmail does not start:\n" . $self->log;
}

# Stops every process of this Sendmail. True if all were gone in time by themselves.
sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return 1;

    not_at_end("$self");
    return defined stop_process($pid, 'TERM', 20);
}

# Runs sendmail as users do, or with the daemon's configuration (name => 'sendmail'): (exit status,
# what it printed).
sub sendmail {
    my ($self, $args, $message, $name) = @_;
    my ($status, $out, $err) = run_command([$self->{program}, '-C',
        "$self->{dir}/" . ($name // 'submit') . '.cf', @$args], stdin => $message);
    return ($status, $out . $err);
}

# The files of the queue by their letter: hf is a quarantined message, qf one that waits.
sub queued {
    my ($self, $letters) = @_;
    return map { s{.*/}{}r } glob "$self->{dir}/queue/$letters*";
}

# Messages that were delivered; see Tamis::Sink.
sub mails   { my $self = shift; return $self->{sink}->mails(@_) }
sub mail_of { my $self = shift; return $self->{sink}->mail_of(@_) }

1;
